"""Record what is more than the words of one handle: a transaction of its own, never in a batch.

Further handles the channel proves, handles a person only claims, a handle that took the place of another, and handles
that mean nobody (a withheld number); mail, which belongs to a thread; files that came with a message; what was said
for us elsewhere; and what became of messages since. Locks in the order of all others: `seen`, the handles, the
customers' streams.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import structs

from model.inbound import (
    HandleChanged,
    InboundMessage,
    MessageEchoed,
    MessageEdited,
    MessageReacted,
    MessageUnsent,
    ReadUpTo,
)
from profiles.attachments import attached, keep_data
from profiles.changes import apply_changes, keep_change
from profiles.claims import keep_claims
from profiles.echo import Echo, record_echo
from profiles.identity import Ambiguous, Evidence, key_of
from profiles.people import in_normal_form, resolve
from profiles.receipt import apply_read_up_to
from profiles.record import Delivery, Recorded, canonical_ref, record
from profiles.thread import thread_of
from store.feeds import Transaction
from store.ids import new_id
from store.pool import Connection

SEE = "insert into seen (account_id, key) values ($1, $2) on conflict do nothing returning true"
KEEP_RAW = """
insert into raw_event (slot, id, account_id, key, received_at, step, query, content_type, body)
values (raw_slot(now()), $1, $2, $3, now(), $4, $5, $6, $7)
"""


async def record_apart(tx: Transaction, delivery: Delivery) -> Recorded:
    """Record one delivery; one already seen changes nothing.

    Raises `asyncpg.SerializationError` when a merge came between: record again; and `TooEarly` for an echo.
    """
    if not await tx.connection.fetchval(SEE, *delivery.identity):
        return Recorded({}, ())
    message = delivery.message
    if isinstance(message, MessageReacted | MessageEdited | MessageUnsent):
        change = structs.replace(message, handle=canonical_ref(message.handle))
        name = await keep_change(tx.connection, await _keep_raw(tx.connection, delivery), delivery.account, change)
        await apply_changes(tx, name)
    elif isinstance(message, ReadUpTo):
        await apply_read_up_to(tx, delivery.account, structs.replace(message, handle=canonical_ref(message.handle)))
    elif isinstance(message, HandleChanged):  # nothing was said: it is no entry
        await resolve(tx, in_normal_form(_evidence(delivery)))
        await _keep_raw(tx.connection, delivery)
    elif isinstance(message, MessageEchoed):
        await _record_echo(tx, delivery, message)
    else:
        return await _record_message(tx, delivery)
    return Recorded(tx.written, ())


async def _keep_raw(connection: Connection, delivery: Delivery) -> UUID:
    id_ = new_id()
    await connection.execute(
        *(KEEP_RAW, id_, *delivery.identity, delivery.step, delivery.query, delivery.content_type, delivery.raw)
    )
    return id_


async def _record_message(tx: Transaction, delivery: Delivery) -> Recorded:
    """Find out who it is, then record what they said, in its thread, with its files."""
    evidence = in_normal_form(_evidence(delivery))
    decision = (await resolve(tx, evidence)).decision
    message, thread = delivery.message, None
    if isinstance(message, InboundMessage):
        message = structs.replace(message, media=attached(message), files=())
        if delivery.work_class == "mail":
            thread = await thread_of(tx.connection, message)
    recorded = await record(tx.connection, [structs.replace(delivery, message=message)], taken=True, thread=thread)
    if isinstance(delivery.message, InboundMessage) and isinstance(message, InboundMessage):
        await keep_data(tx.connection, message.media, delivery.message.files)
    tx.written.update(recorded.positions)
    if isinstance(decision, Ambiguous) and decision.claimed:
        await _keep_of_nobody(tx.connection, evidence, decision)
    return Recorded(tx.written, recorded.to_route)


HANDLE = """
select id, coalesce(customer_id, speaks_as) as leaf from handle where (kind, scope, value) = ($1, $2, $3)
"""


async def _record_echo(tx: Transaction, delivery: Delivery, message: MessageEchoed) -> None:
    await resolve(tx, in_normal_form(_evidence(delivery)))
    raw = await _keep_raw(tx.connection, delivery)
    said = structs.replace(message, handle=canonical_ref(message.handle))
    row = await tx.connection.fetchrow(HANDLE, *key_of(said.handle))
    if row is None or row["leaf"] is None:
        return  # a handle of many, of whom none has spoken: it is nobody's timeline; the raw event is kept
    await record_echo(tx, Echo(delivery.account, delivery.channel, said, row["id"], row["leaf"], raw))


SPEAKS_AS = "select speaks_as from handle where (kind, scope, value) = ($1, $2, $3)"


async def _keep_of_nobody(connection: Connection, evidence: Evidence, decision: Ambiguous) -> None:
    """What somebody says of themselves on a handle of many is kept with whom it was recorded for, until identified."""
    placeholder = await connection.fetchval(SPEAKS_AS, *key_of(evidence.proven[0]))
    if placeholder is not None:
        await keep_claims(connection, placeholder, evidence, decision.claimed)


def _evidence(delivery: Delivery) -> Evidence:
    message = delivery.message
    account, key = delivery.identity
    if isinstance(message, InboundMessage):
        proven = (message.handle, *message.also)
        return Evidence(proven, message.claims, name=message.name_hint, account=account, key=key)
    replaced = message.replaced if isinstance(message, HandleChanged) else None
    return Evidence((message.handle,), replaces=replaced, account=account, key=key)
