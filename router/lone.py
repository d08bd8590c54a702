"""A contact that arrives where nobody else waits and an agent is free: one statement, no round of dispatch.

That is how most contacts arrive. Whoever routes a contact has read what an offer of it says, so that it need not be
read again; the statement holds only while the rows it was read from are as they were. Everything else is left to
dispatch, which does the same with more round trips: several contacts, a special lane, a plan that is due, a queue that
chooses otherwise or asks several, an agent with limits.
"""

from __future__ import annotations

from typing import Any, Self, get_args
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from model.agent import WorkClass
from model.event import FeedId
from router.dispatch import CapacityMoved
from store.feeds import Positions
from store.ids import new_id
from store.pool import Connection, Pool

# Whether the contact `c`, just queued in `q`, is one for this: nothing else waits, and it may go to whoever is free.
IS_ALONE = """
    q.selection = 'longest_idle' and q.offer_to = 1 and (not q.auto_accept or c.class = 'voice')
    and c.prefer_agent_id is null and c.declined_until is null and (c.step_at is null or c.step_at > clock_timestamp())
    and not exists (select from contact x where x.state = 'queued' and x.prefer_agent_id is null
                                            and x.declined_until is null and x.id <> c.id)
    and not exists (select from contact x where x.state = 'queued' and x.id <> c.id
                                            and (x.prefer_agent_id is not null or x.declined_until is not null))
"""


class LoneContact(Struct, frozen=True):
    """A contact that was the only one to wait when it was routed, with what an offer of it takes.

    `written`, `customer_written`: which transactions wrote the rows of the contact and of its customer that this was
    read from. `card`: what the agent is told, without what is known only when it is offered; the members of a JSON
    object, and its closing brace.
    """

    id: UUID
    written: int
    customer_written: int
    need: int
    work_class: WorkClass
    weight: int
    offer_seconds: int
    interruptible: bool
    card: str


_encode = msgspec.json.Encoder().encode


def lone_contact(routed: Any, placed: Any) -> LoneContact:
    """From the row of a contact as it was claimed for routing, and the row of where it was placed."""
    card = {
        "contact": routed["id"],
        "customer": routed["root_id"],
        "customer_name": routed["customer_name"],
        "handle": routed["handle"],
        "channel": routed["channel"],
        "account": routed["account_id"],
        "queue": placed["queue"],
        "preview": routed["preview"],
        "messages": routed["messages"],
        "waiting_since": routed["arrived_at"],
        "handed_by": None,
        "note": None,
    }
    return LoneContact(
        *(routed["id"], placed["written"], routed["customer_written"], placed["need_id"], routed["class"]),
        *(placed["weight"], placed["offer_seconds"], placed["interruptible"], _encode(card).decode()[1:]),
    )


# Contact and agent are locked in this order, and what others have locked is left to them. An agent's row that changed
# since the statement began is locked as it is now, yet not found where it is now: then nothing happens. Were it the
# contact's, the offer would lack it, which its column forbids. The offer says itself what it was chosen by, as
# `note_offer` would, for less: nobody is preferred here, and nobody has declined.
def _offer(work_class: WorkClass) -> str:
    used, most = f"s.used_{work_class}", f"s.cap_{work_class}"
    return f"""
with c as materialized (
    select c.ctid as place from contact c
     where c.id = $2 and c.xmin = $3::xid
       and exists (select from customer m where m.id = c.customer_id and m.xmin = $4::xid)
       for no key update of c skip locked),
a as materialized (
    select s.ctid as place, s.limited from agent_state s
     where exists (select from c) and s.routable and {most} - {used} >= $6 and $5 = any (s.needs)
     order by s.idle_since, s.agent_id limit 1 for no key update of s skip locked),
g as (
    update agent_state s set used_{work_class} = {used} + $6, seq = s.seq + 1, idle_since = clock_timestamp() from a
     where s.ctid = a.place and not a.limited
    returning s.agent_id, s.seq, s.idle_since as at, s.idle_since + $7 * interval '1 second' as until),
u as (
    update contact x set state = 'offered', state_at = g.at from c, g where x.ctid = c.place
    returning x.id, x.fence, x.order_key),
o as (
    insert into offer (id, contact_id, agent_id, fence, class, weight, created_at, expires_at,
                       need_id, order_key, selection, interruptible, round_at)
    select $1, u.id, g.agent_id, u.fence, '{work_class}', $6, g.at, g.until, $5, u.order_key, 'longest_idle', $8, now()
      from g left join u on true),
e as (
    insert into event (slot, kind, id, seq, at, body)
    select event_slot(now()), 3, g.agent_id, g.seq, now(),
           '{{"kind":"offer","offer":"' || $1::uuid || '","offered_at":"' || json_time(g.at)
           || '","expires_at":"' || json_time(g.until) || '",' || $9::text
      from g)
select agent_id, seq from g
"""  # noqa: S608  # put together from constants


OFFER_LONE = {each: _offer(each) for each in get_args(WorkClass)}


async def offer_lone(connection: Connection, contact: LoneContact) -> Positions | None:
    """Offer it to who is idle longest, on an idle connection. None: nobody is free, or things are not as they were."""
    try:
        row = await connection.fetchrow(
            OFFER_LONE[contact.work_class],
            *(new_id(), contact.id, contact.written, contact.customer_written, contact.need, contact.weight),
            *(contact.offer_seconds, contact.interruptible, contact.card),
        )
    except asyncpg.NotNullViolationError as error:
        raise CapacityMoved("a contact's row changed while it was locked") from error
    return None if row is None else {FeedId("agent", UUID(int=row["agent_id"].int)): row["seq"]}


class LoneOffers:
    """`offer_lone` on a connection of its own: taking one from the pool each time costs a tenth as much again.

    One at a time. After a failure the connection is given up, and the next offer takes another.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def offer(self, contact: LoneContact) -> Positions | None:
        """As `offer_lone`."""
        if self._connection is None:
            self._connection = await self._pool.connect_apart()
        try:
            return await offer_lone(self._connection, contact)
        except BaseException:  # cancelled or failed: what state it is in nobody asks
            connection, self._connection = self._connection, None
            connection.terminate()
            raise

    async def close(self) -> None:
        """Close the connection; another offer opens one again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
