"""Two customers of whom somebody said that they are not one person: nothing merges or suggests them from then on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from model.agent import Actor
from model.event import SuggestionsChanged
from model.refusal import Refused
from model.timeline import Author
from profiles.audit import audit
from profiles.sections import fetch_suggestions
from store.feeds import Transaction, append_to_customer, lock_customers
from store.pool import Connection


class NeverLink(Struct, frozen=True):
    """A pair that stays apart. `names`: what each is called."""

    customers: tuple[UUID, UUID]
    names: tuple[str | None, str | None]
    at: datetime
    by: Author | None


INSERT_PAIR = """
insert into never_link (low_id, high_id, by_agent) values ($1, $2, $3) on conflict do nothing returning true
"""
# What was suggested of the two, or of whoever is merged into one of them.
DISMISS = """
update suggestion s set state = 'dismissed', ended_at = clock_timestamp(), ended_by = $3
  from customer a join suggestion x on x.low_id = a.id join customer b on b.id = x.high_id
 where s.id = x.id and x.state = 'open'
   and (a.root_id = $1 and b.root_id = $2 or a.root_id = $2 and b.root_id = $1)
returning s.id
"""


async def never_link(tx: Transaction, actor: Actor, one: UUID, other: UUID) -> NeverLink | Refused:
    """Keep two customers apart; a merged id means its root. Saying it again changes nothing."""
    if one == other:
        return Refused("invalid", "Name two different customers.", "customers")
    roots = await lock_customers(tx, [one, other])
    if roots is None:
        return Refused("not_found", "There is no such customer; correct the ids.", "customers")
    low, high = sorted((roots[one], roots[other]))
    if low == high:
        message = "Both are one profile at the moment; undo their merge first (GET /v1/customers/{id}/identity)."
        return Refused("wrong_state", message, "customers")
    if await tx.connection.fetchval(INSERT_PAIR, low, high, actor.id):
        await audit(tx.connection, actor.id, "never_link", low, {"low": low, "high": high})
        await end_suggestions(tx, actor, low, high)
    found = await fetch_never_link(tx.connection, low, high)
    assert found is not None, "it was just written"  # noqa: S101  # for the type checker
    return found


async def end_suggestions(tx: Transaction, actor: Actor, low: UUID, high: UUID) -> None:
    """Suggest neither of two locked roots to the other any more."""
    if await tx.connection.fetch(DISMISS, low, high, actor.id):
        for root in (low, high):
            await append_to_customer(tx, root, [SuggestionsChanged(await fetch_suggestions(tx.connection, root))])


DELETE_PAIR = "delete from never_link where low_id = $1 and high_id = $2 returning true"
LOOK_AGAIN = """
insert into likeness_due (customer_id) select distinct c.root_id from customer c where c.id = any ($1) order by 1
on conflict do nothing
"""


async def forget_never_link(tx: Transaction, actor: Actor, one: UUID, other: UUID) -> Refused | None:
    """They may be one person after all."""
    low, high = sorted((one, other))
    if not await tx.connection.fetchval(DELETE_PAIR, low, high):
        return Refused("not_found", "Nobody said this of the two; GET /v1/never-links lists what was said.", "low")
    await audit(tx.connection, actor.id, "never_link_removed", low, {"low": low, "high": high})
    await tx.connection.execute(LOOK_AGAIN, [low, high])
    return None


PAIR = """
select n.low_id, n.high_id, coalesce(a.shown_name, a.name) as low_name, coalesce(b.shown_name, b.name) as high_name,
       n.at, g.id as agent_id, g.name as agent_name
  from never_link n join customer a on a.id = n.low_id join customer b on b.id = n.high_id
       left join agent g on g.id = n.by_agent
"""
ONE_PAIR = f"{PAIR} where n.low_id = $1 and n.high_id = $2"
PAIRS = f"""
{PAIR}
 where ($1::uuid is null or exists (select from customer r join customer m on m.root_id = r.root_id
                                     where r.id = $1 and m.id in (n.low_id, n.high_id)))
   and ($2::timestamptz is null or (n.at, n.low_id, n.high_id) < ($2, $3::uuid, $4::uuid))
 order by n.at desc, n.low_id desc, n.high_id desc limit $5
"""


async def fetch_never_link(connection: Connection, low: UUID, high: UUID) -> NeverLink | None:
    """What was said of these two."""
    row = await connection.fetchrow(ONE_PAIR, low, high)
    return _read(row) if row else None


async def fetch_never_links(
    connection: Connection, customer: UUID | None, after: tuple[datetime, UUID, UUID] | None, limit: int
) -> list[NeverLink]:
    """Pairs that stay apart, the newest first; those of one profile where a customer is given."""
    rows = await connection.fetch(PAIRS, customer, *(after or (None, None, None)), limit)
    return [_read(row) for row in rows]


def _read(row: asyncpg.Record) -> NeverLink:
    by = Author(row["agent_id"], row["agent_name"]) if row["agent_id"] else None
    return NeverLink((row["low_id"], row["high_id"]), (row["low_name"], row["high_name"]), row["at"], by)
