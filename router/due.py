"""What is due by the database's clock, found by any process: each item is then settled in a transaction of its own.

Nothing here locks; every settlement checks again under its locks, so that two processes may find the same item.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from router.after_work import KEPT_FOR
from router.presence import HELD_GRACE, OFFER_GRACE
from store.pool import Connection

LIMIT = 200


class OverdueOffer(Struct, frozen=True):
    """A pending offer to end, and how."""

    offer: UUID
    agent: UUID
    timed_out: bool
    reason: str | None


class LeftContact(Struct, frozen=True):
    """A held contact whose agent is not there any more."""

    contact: UUID
    agent: UUID
    why: str


OVERDUE_OFFERS = """
select o.id, o.agent_id, true as timed_out, null as reason from offer o
 where o.state = 'pending' and o.expires_at <= clock_timestamp()
union all
select o.id, o.agent_id, false, case when s.presence = 'available' then 'vanished' else s.presence end
  from offer o join agent_state s on s.agent_id = o.agent_id
 where o.state = 'pending' and o.expires_at > clock_timestamp()
   and (s.presence <> 'available' or s.gone_at < clock_timestamp() - $2::interval)
 limit $1
"""
DUE_CONTACTS = "select id from contact where due_at <= clock_timestamp() order by due_at limit $1"
LEFT_CONTACTS = """
select c.id, c.agent_id,
       case when not a.active then 'deactivated' when s.presence = 'offline' then 'offline' else 'vanished' end as why
  from agent_state s join agent a on a.id = s.agent_id
       join contact c on c.agent_id = s.agent_id
                     and (c.state in ('assigned', 'wrapping') or (c.state = 'parked' and not a.active))
       left join queue q on q.id = c.queue_id
 where (s.presence = 'offline' or s.gone_at < clock_timestamp() - $2::interval or not a.active)
   and not (c.state = 'assigned' and q.when_left = 'keep' and a.active and s.presence <> 'offline'
            and s.gone_at >= clock_timestamp() - $3::interval)
   -- who talks, talks on without a screen: their line says when it is over
   and not (c.class = 'voice' and c.state = 'assigned' and exists (
           select from call k
            where c.id in (k.contact_id, k.consult_id) and k.state in ('connecting', 'bridged', 'calling')))
 limit $1
"""


async def overdue_offers(connection: Connection) -> list[OverdueOffer]:
    """Pending offers whose time is over, or whose agent went away or vanished."""
    rows = await connection.fetch(OVERDUE_OFFERS, LIMIT, OFFER_GRACE)
    return [OverdueOffer(row["id"], row["agent_id"], row["timed_out"], row["reason"]) for row in rows]


async def due_contacts(connection: Connection) -> list[UUID]:
    """Contacts whose wrap-up, silence or unshown time is over."""
    return [row["id"] for row in await connection.fetch(DUE_CONTACTS, LIMIT)]


async def left_contacts(connection: Connection) -> list[LeftContact]:
    """Held contacts of agents who logged off, vanished, or work here no more; and what these had parked."""
    rows = await connection.fetch(LEFT_CONTACTS, LIMIT, HELD_GRACE, KEPT_FOR)
    return [LeftContact(row["id"], row["agent_id"], row["why"]) for row in rows]


# Both lanes by their indexes, from the few needs of retired queues.
STRANDED = """
with n as materialized (select n.id from queue q join need n on n.queue_id = q.id where q.retired_at is not null)
select c.id from n join contact c on c.need_id = n.id
 where c.state = 'queued' and c.prefer_agent_id is null and c.declined_until is null
union all
select c.id from n join contact c on c.need_id = n.id
 where c.state = 'queued' and (c.prefer_agent_id is not null or c.declined_until is not null)
 limit $1
"""


async def stranded_contacts(connection: Connection) -> list[UUID]:
    """Contacts that wait in a queue that is no more."""
    return [row["id"] for row in await connection.fetch(STRANDED, LIMIT)]


TURN_RING = """
update ring set turned = x.period
  from (select floor(extract(epoch from now()) / $2)::bigint as period) x
 where name = $1 and turned < x.period returning x.period
"""


async def turn_ring(connection: Connection, name: str, period_seconds: int, slots: int) -> bool:
    """Once a period, empty the slot after the current one. Inside a transaction; waits at most 1 s for readers."""
    period = await connection.fetchval(TURN_RING, name, period_seconds)
    if period is None:
        return False
    await connection.execute("set local lock_timeout = '1s'")
    await connection.execute(f"truncate {name}_{(period + 1) % slots}")
    return True
