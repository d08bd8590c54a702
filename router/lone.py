"""A contact that waits alone while an agent is free: one statement, a transaction of its own, no round of dispatch.

That is how most contacts wait. Everything else is left to dispatch, which does the same with more round trips: several
contacts, a special lane, a plan that is due, a queue that chooses otherwise or asks several, an agent with limits.
"""

from __future__ import annotations

from typing import Self
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from model.event import FeedId
from router.dispatch import OFFER_CARD, CapacityMoved
from store.feeds import Positions
from store.ids import new_id
from store.pool import Connection, Pool

# Contact and agent are locked, in this order, as they are when the locks are got. Were one of them not changed after
# all, the offer would lack it, which its columns forbid: then nothing has happened. It says itself what it was chosen
# by, as `note_offer` would, for less: nobody is preferred here, and nobody has declined.
OFFER_LONE = f"""
with c as materialized (
    select c.id, c.need_id, c.order_key, c.class, n.weight, q.name, q.offer_seconds, q.selection, q.interruptible
      from contact c join need n on n.id = c.need_id join queue q on q.id = n.queue_id
     where (select count(*) from (select from contact x where x.state = 'queued' and x.prefer_agent_id is null
                                     and x.declined_until is null limit 2) y) = 1
       and not exists (select from contact x where x.state = 'queued' and (
                       x.prefer_agent_id is not null or x.declined_until is not null))
       and c.state = 'queued' and c.prefer_agent_id is null and c.declined_until is null
       and (c.step_at is null or c.step_at > clock_timestamp())
       and q.selection = 'longest_idle' and q.offer_to = 1 and n.prefers = '{{}}'
       and (not q.auto_accept or c.class = 'voice')
       for no key update of c skip locked),
a as materialized (
    select s.agent_id, s.cap_total is not null or exists (
           select from agent_queue q where q.agent_id = s.agent_id and q.most is not null) as limited
      from agent_state s
     where exists (select from c) and s.routable
       and (s.used_voice < s.cap_voice or s.used_messaging < s.cap_messaging or s.used_mail < s.cap_mail
            or s.used_voicemail < s.cap_voicemail)
       and (select c.need_id from c) = any (s.needs)
       and (select c.weight from c) <= case (select c.class from c)
           when 'voice' then s.cap_voice - s.used_voice when 'messaging' then s.cap_messaging - s.used_messaging
           when 'mail' then s.cap_mail - s.used_mail else s.cap_voicemail - s.used_voicemail end
     order by s.idle_since, s.agent_id limit 1 for no key update of s skip locked),
p as materialized (select c.*, a.agent_id from c cross join a where not a.limited),
u as (
    update contact c set state = 'offered', state_at = clock_timestamp() from p
     where c.id = p.id and c.state = 'queued'
    returning c.id, c.fence, c.class, c.channel, c.account_id, c.queue_id, c.customer_id, c.handle_id, c.preview,
              c.messages, c.arrived_at, c.handed_by, c.handed_note),
g as (
    update agent_state s
       set used_voice = s.used_voice + case when p.class = 'voice' then p.weight else 0 end,
           used_messaging = s.used_messaging + case when p.class = 'messaging' then p.weight else 0 end,
           used_mail = s.used_mail + case when p.class = 'mail' then p.weight else 0 end,
           used_voicemail = s.used_voicemail + case when p.class = 'voicemail' then p.weight else 0 end,
           seq = s.seq + 1, idle_since = clock_timestamp()
      from p
     where s.agent_id = p.agent_id and s.routable
       and p.weight <= case p.class
           when 'voice' then s.cap_voice - s.used_voice when 'messaging' then s.cap_messaging - s.used_messaging
           when 'mail' then s.cap_mail - s.used_mail else s.cap_voicemail - s.used_voicemail end
    returning s.agent_id, s.seq),
o as (
    insert into offer (id, contact_id, agent_id, fence, class, weight, created_at, expires_at,
                       need_id, order_key, selection, interruptible, round_at)
    select $1::uuid, u.id, g.agent_id, u.fence, p.class, p.weight, clock_timestamp(),
           clock_timestamp() + p.offer_seconds * interval '1 second',
           p.need_id, p.order_key, p.selection, p.interruptible, now()
      from p left join u on true left join g on true
    returning id, created_at, expires_at),
e as (
    insert into event (slot, kind, id, seq, at, body)
    select event_slot(now()), 3, g.agent_id, g.seq, now(), {OFFER_CARD}
      from o cross join u c cross join g cross join p q
             join customer m on m.id = c.customer_id join customer r on r.id = m.root_id
             join handle h on h.id = c.handle_id)
select g.agent_id, g.seq from g
"""  # noqa: S608  # put together from constants


async def offer_lone(connection: Connection) -> Positions | None:
    """Offer the only contact that waits to who is idle longest, on an idle connection; None: there is more to it."""
    try:
        row = await connection.fetchrow(OFFER_LONE, new_id())
    except asyncpg.NotNullViolationError as error:
        raise CapacityMoved("a claimed contact or agent changed under its lock") from error
    return None if row is None else {FeedId("agent", UUID(int=row["agent_id"].int)): row["seq"]}


class LoneOffers:
    """`offer_lone` on a connection that is kept: taking one from the pool each time costs a tenth as much again.

    One at a time. After a failure the connection is given up, and the next offer takes another.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: PoolConnectionProxy[asyncpg.Record] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def offer(self) -> Positions | None:
        """As `offer_lone`."""
        if self._connection is None:
            self._connection = await self._pool.acquire()
        try:
            return await offer_lone(self._connection)
        except BaseException:  # cancelled or failed: what state it is in is for the pool to find out
            await self.close()
            raise

    async def close(self) -> None:
        """Give the connection back; another offer takes one again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._pool.release(connection)
