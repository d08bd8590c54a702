"""What the checker reads of the database, by SQL alone."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import asyncpg
import msgspec
from msgspec import Struct

Row = TypeVar("Row", bound=Struct)


class Message(Struct, frozen=True):
    """An incoming message on a timeline."""

    id: str
    customer: str
    root: str
    handle: str
    body: str


class Reply(Struct, frozen=True):
    """An outgoing message and what became of it."""

    id: str
    body: str
    state: str


class Offer(Struct, frozen=True):
    """An offer, which is the hold once accepted."""

    id: str
    contact: str
    agent: str
    seat: int
    state: str
    work_class: str
    weight: int
    created_at: datetime
    ended_at: datetime | None
    released_at: datetime | None


class Contact(Struct, frozen=True):
    """A contact and who holds it."""

    id: str
    state: str
    agent: str | None


class Slots(Struct, frozen=True):
    """One agent's slots of one class."""

    agent: str
    name: str
    work_class: str
    used: int
    slots: int
    live: int


class Feed(Struct, frozen=True):
    """Head and events of one feed; `lowest` and `highest` are of the events that are still there."""

    feed: str
    head: int
    lowest: int | None
    highest: int | None
    events: int


class Database(Struct, frozen=True):
    """Everything read, in one snapshot."""

    keys: frozenset[str]
    messages: tuple[Message, ...]
    replies: tuple[Reply, ...]
    offers: tuple[Offer, ...]
    contacts: tuple[Contact, ...]
    slots: tuple[Slots, ...]
    feeds: tuple[Feed, ...]
    crowded: tuple[str, ...]
    """Roots with more than one open conversation."""
    people: dict[str, int]
    """Handle → customers it has ever been linked to."""


MESSAGES = """
select e.id::text, e.customer_id::text as customer, c.root_id::text as root, h.value as handle, e.body
  from entry e join handle h on h.id = e.handle_id join customer c on c.id = e.customer_id
 where e.kind = 'message' and e.direction = 'in'
"""
REPLIES = "select o.entry_id::text as id, o.body, o.state from outbox o join entry e on e.id = o.entry_id"
OFFERS = """
select id::text, contact_id::text as contact, agent_id::text as agent, seat, state, class as work_class, weight,
       created_at, ended_at, released_at
  from offer
"""
CONTACTS = "select id::text, state, agent_id::text as agent from contact"
SLOTS = """
select a.agent_id::text as agent, g.name, k.work_class, k.used, k.slots,
       coalesce((select sum(o.weight) from offer o
                  where o.agent_id = a.agent_id and o.class = k.work_class
                    and (o.state = 'pending' or (o.state = 'accepted' and o.released_at is null))), 0)::int as live
  from agent_state a join agent g on g.id = a.agent_id
 cross join lateral (values ('voice', a.used_voice, a.cap_voice), ('messaging', a.used_messaging, a.cap_messaging),
                            ('mail', a.used_mail, a.cap_mail),
                            ('voicemail', a.used_voicemail, a.cap_voicemail)) k(work_class, used, slots)
"""
FEEDS = """
with head as (select 1 as kind, id, seq from stream where kind = 1
              union all select 3, agent_id, seq from agent_state),
     kept as (select kind, id, min(seq) as lowest, max(seq) as highest, count(*)::int as events
                from event group by kind, id)
select case h.kind when 1 then 'customer:' else 'agent:' end || h.id as feed, h.seq as head, k.lowest, k.highest,
       coalesce(k.events, 0) as events
  from head h left join kept k on k.kind = h.kind and k.id = h.id
"""
CROWDED = """
select c.root_id::text from conversation v join customer c on c.id = v.customer_id
 where v.status <> 'closed' and v.folded_into is null group by c.root_id having count(*) > 1
"""
PEOPLE = """
select h.value, count(distinct l.customer_id)::int from handle h join link l on l.handle_id = h.id group by h.value
"""
KEYS = "select key from seen"


async def load(url: str) -> Database:
    """Read everything the claims are judged by, in one snapshot."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return Database(
                keys=frozenset(row[0] for row in await connection.fetch(KEYS)),
                messages=await _rows(connection, MESSAGES, Message),
                replies=await _rows(connection, REPLIES, Reply),
                offers=await _rows(connection, OFFERS, Offer),
                contacts=await _rows(connection, CONTACTS, Contact),
                slots=await _rows(connection, SLOTS, Slots),
                feeds=await _rows(connection, FEEDS, Feed),
                crowded=tuple(row[0] for row in await connection.fetch(CROWDED)),
                people={row[0]: row[1] for row in await connection.fetch(PEOPLE)},
            )
    finally:
        await connection.close()


async def _rows(connection: asyncpg.Connection[asyncpg.Record], sql: str, type: type[Row]) -> tuple[Row, ...]:
    return tuple(msgspec.convert(dict(row), type) for row in await connection.fetch(sql))
