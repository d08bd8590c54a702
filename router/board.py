"""The supervisors' board, read as it is: nothing is counted along, so that no contact's way is slowed by it.

What is now comes from the partial indexes of what waits, rings and is held; what was today from today's offers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from model.agent import Capacity, Presence, WorkClass
from model.board import Board, BoardAgent, BoardContact, BoardQueue, QueueToday
from store.pool import Connection

CLASSES: tuple[WorkClass, ...] = ("voice", "messaging", "mail", "voicemail")


class Wish(Struct, frozen=True):
    """What "today" and "in time" mean to whoever looks."""

    time_zone: str = "UTC"
    within_seconds: int = 20


Today = dict[str, QueueToday]
"""By queue; one without any line had nothing."""

# $1: when the day began. First accepts only: an owner who takes up what was parked answers nobody anew.
TODAY = """
with answered as (
    select c.queue_id, count(*) as answered, avg(extract(epoch from f.at - c.arrived_at))::float8 as wait,
           count(*) filter (where f.at <= c.arrived_at + $2 * interval '1 second') as in_time
      from (select o.contact_id, min(o.ended_at) as at from offer o
             where o.state = 'accepted' and o.created_at >= $1 group by o.contact_id) f
           join contact c on c.id = f.contact_id
     where c.arrived_at >= $1 group by c.queue_id),
abandoned as (
    select c.queue_id, count(*) as abandoned from contact c
     where c.state = 'abandoned' and c.arrived_at >= $1 group by c.queue_id),
breached as (
    select c.queue_id, count(distinct k.conversation_id) as breached
      from sla_clock k join contact c on c.conversation_id = k.conversation_id
     where k.breached_at >= $1 group by c.queue_id)
select q.id, coalesce(a.answered, 0) as answered, coalesce(b.abandoned, 0) as abandoned,
       coalesce(a.in_time, 0) as in_time, a.wait, coalesce(s.breached, 0) as breached
  from queue q left join answered a on a.queue_id = q.id left join abandoned b on b.queue_id = q.id
       left join breached s on s.queue_id = q.id
 where a.queue_id is not null or b.queue_id is not null or s.queue_id is not null
"""


def day_of(now: datetime, time_zone: str) -> datetime:
    """When the day began in a zone that there is."""
    return now.astimezone(ZoneInfo(time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)


async def fetch_today(connection: Connection, wish: Wish) -> Today:
    """What became of those who arrived today."""
    now: datetime = await connection.fetchval(NOW)
    rows = await connection.fetch(TODAY, day_of(now, wish.time_zone), wish.within_seconds)
    return {row["id"]: _today(row) for row in rows}


def _today(row: Any) -> QueueToday:
    asked = row["answered"] + row["abandoned"]
    return QueueToday(
        row["answered"],
        row["abandoned"],
        row["in_time"],
        None if row["wait"] is None else round(row["wait"], 1),
        round(row["in_time"] / asked, 3) if asked else None,
        row["breached"],
    )


# What waits stands in two lanes, each with an index of its own; `state = 'queued'` alone would read every contact.
QUEUES = """
with w as (
    select queue_id, count(*) as waiting, min(arrived_at) as since
      from (select queue_id, arrived_at from contact
             where state = 'queued' and prefer_agent_id is null and declined_until is null
            union all
            select queue_id, arrived_at from contact
             where state = 'queued' and (prefer_agent_id is not null or declined_until is not null)) c
     group by queue_id),
o as (select c.queue_id, count(distinct c.id) as offered
        from offer o join contact c on c.id = o.contact_id where o.state = 'pending' group by c.queue_id),
h as (select queue_id, count(*) as held from contact
       where agent_id is not null and state in ('assigned', 'wrapping') group by queue_id),
a as (select a.queue_id, count(*) as available
        from agent_state s join agent_queue a on a.agent_id = s.agent_id where s.routable group by a.queue_id)
select q.id, q.name, coalesce(w.waiting, 0) as waiting, w.since, coalesce(o.offered, 0) as offered,
       coalesce(h.held, 0) as held, coalesce(a.available, 0) as available
  from queue q left join w on w.queue_id = q.id left join o on o.queue_id = q.id left join h on h.queue_id = q.id
       left join a on a.queue_id = q.id
 where q.retired_at is null or w.queue_id is not null or o.queue_id is not null or h.queue_id is not null
 order by q.id
"""
AGENTS = """
select a.id, a.name, a.role, s.presence, s.reason, s.connected, s.presence_at, s.used_voice, s.cap_voice,
       s.used_messaging, s.cap_messaging, s.used_mail, s.cap_mail, s.used_voicemail, s.cap_voicemail
  from agent a join agent_state s on s.agent_id = a.id where a.active order by a.name, a.id
"""
CONTACTS = """
select c.agent_id, c.id, c.queue_id, c.class, c.state, c.state_at from contact c where c.agent_id is not null
union all
select o.agent_id, c.id, c.queue_id, c.class, 'offered', o.created_at
  from offer o join contact c on c.id = o.contact_id where o.state = 'pending'
 order by 6, 2
"""
NOW = "select clock_timestamp()"


async def fetch_board(connection: Connection, wish: Wish) -> Board:
    """All of it."""
    return with_today(await fetch_live(connection), await fetch_today(connection, wish))


async def fetch_live(connection: Connection) -> Board:
    """What is now; of today nothing."""
    at: datetime = await connection.fetchval(NOW)
    queues = tuple(_queue(row) for row in await connection.fetch(QUEUES))
    has: dict[UUID, list[BoardContact]] = {}
    for agent, *contact in await connection.fetch(CONTACTS):
        has.setdefault(agent, []).append(BoardContact(*contact))
    agents = tuple(_agent(row, tuple(has.get(row["id"], ()))) for row in await connection.fetch(AGENTS))
    return Board(at, queues, agents)


def with_today(live: Board, today: Today) -> Board:
    """The same with what was today."""
    nothing = QueueToday()
    queues = (
        BoardQueue(
            *(line.id, line.name, line.waiting, line.longest_since), *(line.offered, line.held, line.available), t
        )
        for line in live.queues
        for t in (today.get(line.id, nothing),)
    )
    return Board(live.at, tuple(queues), live.agents)


def _queue(row: Any) -> BoardQueue:
    now = (row["id"], row["name"], row["waiting"], row["since"], row["offered"], row["held"], row["available"])
    return BoardQueue(*now, QueueToday())


def _agent(row: Any, contacts: tuple[BoardContact, ...]) -> BoardAgent:
    presence = Presence(row["presence"], row["reason"], row["connected"], row["presence_at"])
    capacity = {name: Capacity(row[f"used_{name}"], row[f"cap_{name}"]) for name in CLASSES}
    return BoardAgent(row["id"], row["name"], row["role"], presence, capacity, contacts)
