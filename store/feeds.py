"""The ordered logs that screens follow, and the transaction that writes them.

A feed is numbered by the row its change locks anyway: `customer:<id>` by the root's `stream`, `agent:<id>` by
`agent_state`. The number, the event and the change commit together; what was written is announced after COMMIT.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from model.event import FEED_KINDS, AgentEvent, CustomerEvent, EntryAdded, FeedId
from model.timeline import Entry
from store.pool import Connection, Pool

Positions = dict[FeedId, int]
"""Feeds and the sequence each has reached."""

_encode = msgspec.json.Encoder().encode


class Announce(Protocol):
    """What tells the hubs of all processes that feeds have moved. Never raises, never waits."""

    def __call__(self, positions: Positions) -> None:
        """Announce committed positions."""


@dataclass
class Transaction:
    """An open transaction and the feed positions it has written so far."""

    connection: Connection
    written: Positions = field(default_factory=dict)


@asynccontextmanager
async def transaction(pool: Pool, announce: Announce) -> AsyncIterator[Transaction]:
    """Run a transaction; after COMMIT, and only then, announce the feeds it wrote."""
    async with pool.acquire() as connection, connection.transaction():
        tx = Transaction(connection)
        yield tx
    if tx.written:
        announce(tx.written)


LOCK_ROOT = """
select s.id, s.seq, s.last_at from stream s
 where s.kind = 1 and s.id = (select c.root_id from customer c where c.id = $1)
   for no key update of s
"""
ROOT_OF = "select root_id from customer where id = $1"


async def lock_customer(tx: Transaction, customer: UUID) -> UUID | None:
    """Lock the stream of this customer's root and return the root; None when there is no such customer.

    First in the lock order of every change to a customer. The root is read again under the lock, because a merge may
    have moved it while we waited.
    """
    while True:
        root = await tx.connection.fetchval(LOCK_ROOT, customer)
        if root is None:
            return None
        if root == await tx.connection.fetchval(ROOT_OF, customer):
            return UUID(int=root.int)


ROOTS_OF = "select id, root_id from customer where id = any ($1)"
LOCK_STREAMS = "select id from stream where kind = 1 and id = any ($1) order by id for no key update"


async def lock_customers(
    tx: Transaction, customers: Sequence[UUID], also: Sequence[UUID] = ()
) -> dict[UUID, UUID] | None:
    """Lock the streams of several customers' roots at once, sorted; gives the root of each, None if one is unknown.

    `also`: streams of customers who are about to be roots. The roots are read again under the locks; where a merge has
    moved one while we waited, the locks are let go and taken anew in order, for taking one more could be a deadlock.
    """
    while True:
        roots = await _roots_of(tx.connection, customers)
        if len(roots) < len(set(customers)):
            return None
        taking = tx.connection.transaction()
        await taking.start()
        await tx.connection.execute(LOCK_STREAMS, [*roots.values(), *also])
        if roots == await _roots_of(tx.connection, customers):
            await taking.commit()
            return roots
        await taking.rollback()


async def _roots_of(connection: Connection, customers: Sequence[UUID]) -> dict[UUID, UUID]:
    rows = await connection.fetch(ROOTS_OF, list(customers))
    return {UUID(int=row["id"].int): UUID(int=row["root_id"].int) for row in rows}


BUMP_CUSTOMER = """
update stream set seq = seq + $2, last_at = greatest(clock_timestamp(), last_at + interval '1 microsecond') + $3
 where kind = 1 and id = $1 returning seq, last_at
"""
BUMP_AGENT = "update agent_state set seq = seq + $2 where agent_id = $1 returning seq"
APPEND_EVENTS = """
insert into event (slot, kind, id, seq, at, body)
select event_slot(now()), $1, $2, $3 + o, now(), body from unnest($4::text[]) with ordinality u(body, o)
"""
APPEND_ENTRY = """
insert into entry (id, customer_id, conversation_id, at, kind, channel, direction, body,
                   handle_id, account_id, author_id, occurred_at, media, content, provider_id, in_reply_to)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""
NAMED = "select entry_named($1, $2)"
ADD_ATTACHMENTS = "select add_attachments($1, $2, $3)"


@dataclass(frozen=True)
class NewEntry:
    """An entry before it has its place in time. `customer`: the leaf it belongs to (the root for notes and status).

    `conversation`: the one it is kept in, where that is folded into the one the entry shows. `provider_id`, `answers`:
    what its channel calls it, and the message it answers. `uploaded`: its files are attachments already.
    """

    entry: Entry
    customer: UUID
    handle_id: UUID | None = None
    conversation: UUID | None = None
    provider_id: str | None = None
    answers: str | None = None
    uploaded: bool = False


async def append_to_customer(tx: Transaction, root: UUID, changes: Sequence[CustomerEvent | NewEntry]) -> datetime:
    """Append events, and entries with theirs, to a customer whose stream this transaction has locked.

    Returns the time of the last one, which is the customer's clock: strictly increasing in commit order.
    """
    entries = sum(isinstance(change, NewEntry) for change in changes)
    row = await tx.connection.fetchrow(BUMP_CUSTOMER, root, len(changes), timedelta(microseconds=max(entries - 1, 0)))
    if row is None:
        raise LookupError(f"customer {root} has no stream")
    at = row["last_at"] - timedelta(microseconds=max(entries - 1, 0))
    bodies: list[str] = []
    for change in changes:
        if isinstance(change, NewEntry):
            placed = msgspec.structs.replace(change.entry, at=at)
            if change.answers is not None:
                named = await tx.connection.fetchval(NAMED, placed.account, change.answers)
                placed = msgspec.structs.replace(placed, in_reply_to=named)
            await _insert_entry(tx.connection, placed, change)
            bodies.append(_encode(EntryAdded(placed)).decode())
            at += timedelta(microseconds=1)
        else:
            bodies.append(_encode(change).decode())
    await tx.connection.execute(APPEND_EVENTS, FEED_KINDS["customer"], root, row["seq"] - len(bodies), bodies)
    tx.written[FeedId("customer", root)] = row["seq"]
    last_at: datetime = row["last_at"]
    return last_at


async def _insert_entry(connection: Connection, entry: Entry, new: NewEntry) -> None:
    await connection.execute(
        APPEND_ENTRY,
        entry.id,
        new.customer,
        new.conversation or entry.conversation,
        entry.at,
        entry.kind,
        entry.channel,
        entry.direction,
        entry.body,
        new.handle_id,
        entry.account,
        entry.author.id if entry.author else None,
        entry.occurred_at,
        _encode(entry.media).decode() if entry.media else None,
        _encode(entry.content).decode() if entry.content else None,
        new.provider_id,
        new.answers,
    )
    if entry.media and not new.uploaded:
        await connection.execute(ADD_ATTACHMENTS, entry.id, entry.account, _encode(entry.media).decode())


async def append_to_agent(tx: Transaction, agent: UUID, events: Sequence[AgentEvent | str]) -> int:
    """Append events (Structs, or JSON the database composed) to an agent's feed; locks the agent's row."""
    bodies = [event if isinstance(event, str) else _encode(event).decode() for event in events]
    seq: int = await tx.connection.fetchval(BUMP_AGENT, agent, len(bodies))
    await tx.connection.execute(APPEND_EVENTS, FEED_KINDS["agent"], agent, seq - len(bodies), bodies)
    tx.written[FeedId("agent", agent)] = seq
    return seq
