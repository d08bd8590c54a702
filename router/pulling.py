"""Take the next: an agent asks for the contact that waits longest, of those they may have, and has it outright."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from model.refusal import Refused
from router.rank import Pair, Waiting
from router.reasons import works_while_away
from store.pool import Connection

MOST_TRIED = 20
STANDING = "select presence, reason, connected from agent_state where agent_id = $1"
NOT_WORKING = Refused("wrong_state", "Choose available first, or an away reason for which you still work.", "presence")
FULL = Refused("wrong_state", "Your slots are taken by what you have. Finish or hand on something first.")
NO_QUEUE = Refused("not_found", "There is no such queue.", "queue")
NOTHING = Refused("nothing_waiting", "Nothing waits that you could take. Stay available: it will ring.")
QUEUE_IS_THERE = "select true from queue where id = $1 and retired_at is null"

# As dispatch would find it for this agent alone: the heads of what they serve, and of the special lane what is theirs
# or nobody's in particular. What they have just declined is for others first.
FIND = """
with s as (select * from agent_state where agent_id = $1),
c as (
    select c.id, c.need_id, c.class, c.order_key
      from s cross join lateral unnest(s.needs) w(need) cross join lateral (
           select c.* from contact c
            where c.need_id = w.need and c.state = 'queued' and c.prefer_agent_id is null and c.declined_until is null
            order by c.order_key, c.id limit $3) c
    union all
    select c.id, c.need_id, c.class, c.order_key
      from s join contact c on c.state = 'queued' and (c.prefer_agent_id is not null or c.declined_until is not null)
     where (c.prefer_agent_id = s.agent_id
            or c.need_id = any (s.needs)
               and (c.prefer_agent_id is null or coalesce(c.prefer_until <= clock_timestamp(), true)
                    or exists (select from agent_state p
                                where p.agent_id = c.prefer_agent_id
                                  and (p.presence = 'offline' or c.prefer_by_rule and not p.routable))))
       and not (c.declined_until > clock_timestamp() and s.agent_id = any (c.declined_by)))
select c.id, c.need_id, c.class, c.order_key, n.weight, n.queue_id, q.selection, q.interruptible,
       case c.class when 'voice' then s.used_voice + n.weight <= s.cap_voice
                    when 'messaging' then s.used_messaging + n.weight <= s.cap_messaging
                    when 'mail' then s.used_mail + n.weight <= s.cap_mail
                    else s.used_voicemail + n.weight <= s.cap_voicemail end as fits
  from c join need n on n.id = c.need_id join queue q on q.id = n.queue_id cross join s
 where $2::text is null or n.queue_id = $2
 order by fits desc, c.order_key, c.id limit $3
"""


async def find_next(connection: Connection, agent: UUID, queue: str | None) -> list[Pair] | Refused:
    """What this agent may take, in the order to try: each may be gone by then. Never empty."""
    standing = await connection.fetchrow(STANDING, agent)
    if standing is None or not standing["connected"] or not await _works(connection, standing):
        return NOT_WORKING
    if queue is not None and not await connection.fetchval(QUEUE_IS_THERE, queue):
        return NO_QUEUE
    rows = await connection.fetch(FIND, agent, queue, MOST_TRIED)
    fitting = [_pair(row, agent) for row in rows if row["fits"]]
    return fitting or (FULL if rows else NOTHING)


async def _works(connection: Connection, standing: Any) -> bool:
    if standing["presence"] == "away":
        return await works_while_away(connection, standing["reason"])
    return bool(standing["presence"] == "available")


def _pair(row: Any, agent: UUID) -> Pair:
    contact = Waiting(
        row["id"],
        row["need_id"],
        row["class"],
        row["weight"],
        row["order_key"] or 0,
        queue=row["queue_id"],
        selection=row["selection"],
        interruptible=row["interruptible"],
    )
    return Pair(contact, agent)
