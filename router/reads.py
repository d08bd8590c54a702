"""What REST lists of work: contacts, offers, queues, agents, and the accounts work comes in by. Reading only."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from model.agent import Capacity, Presence, Role, WorkClass
from model.contact import Contact, ContactState
from model.offer import Offer, OfferState
from model.timeline import Channel
from store.pool import Connection


class ContactFilter(Struct, frozen=True):
    """Which contacts; what is None does not filter."""

    state: ContactState | None = None
    queue: str | None = None
    agent: UUID | None = None


class OfferFilter(Struct, frozen=True):
    """Which offers; what is None does not filter."""

    state: OfferState | None = None
    contact: UUID | None = None
    agent: UUID | None = None


class QueueView(Struct, frozen=True):
    """A queue as configured. Times in seconds."""

    id: str
    name: str
    auto_accept: bool
    offer_seconds: int
    wrap_up_seconds: int
    park_after_seconds: int
    priority_bonus_seconds: int


class AgentView(Struct, frozen=True):
    """An agent, the presence they chose, their slots and the queues they serve. `presence` is None for a service."""

    id: UUID
    name: str
    role: Role
    active: bool
    presence: Presence | None
    capacity: dict[WorkClass, Capacity]
    queues: tuple[str, ...]


class AccountView(Struct, frozen=True):
    """An account as everybody may see it: neither its secrets nor its provider's settings."""

    id: str
    channel: Channel
    provider: str
    address: str
    region: str
    public_url: str
    queue: str
    paused_until: datetime | None
    """Sending rests until then, as the provider asked."""
    created_at: datetime


CONTACTS = """
select c.id, m.root_id, coalesce(v.folded_into, v.id), c.account_id, c.channel, c.class, c.state, c.queue_id,
       c.priority, c.agent_id, c.arrived_at, c.state_at, c.due_at, c.disposition_id,
       c.state = 'closed' and c.disposition_id is null and coalesce(c.wrap_up, '') = 'required' as uncoded,
       c.sla_due_at
  from contact c join customer m on m.id = c.customer_id join conversation v on v.id = c.conversation_id
 where ($1::text is null or c.state = $1) and ($2::text is null or c.queue_id = $2)
   and ($3::uuid is null or c.agent_id = $3) and ($4::uuid is null or c.id < $4)
 order by c.id desc limit $5
"""


async def fetch_contacts(
    connection: Connection, which: ContactFilter, limit: int, after: UUID | None = None
) -> tuple[Contact, ...]:
    """Contacts, newest first (ids rise with time), after the one of this id. `customer` is the root."""
    rows = await connection.fetch(CONTACTS, which.state, which.queue, which.agent, after, limit)
    return tuple(Contact(*row) for row in rows)


CONTACT = """
select c.id, m.root_id, coalesce(v.folded_into, v.id), c.account_id, c.channel, c.class, c.state, c.queue_id,
       c.priority, c.agent_id, c.arrived_at, c.state_at, c.due_at, c.disposition_id,
       c.state = 'closed' and c.disposition_id is null and coalesce(c.wrap_up, '') = 'required' as uncoded,
       c.sla_due_at
  from contact c join customer m on m.id = c.customer_id join conversation v on v.id = c.conversation_id
 where c.id = $1
"""


async def fetch_contact(connection: Connection, id_: UUID) -> Contact | None:
    """One contact."""
    row = await connection.fetchrow(CONTACT, id_)
    return None if row is None else Contact(*row)


OFFERS = """
select id, contact_id, agent_id, state, created_at, expires_at, ended_at, reason from offer
 where ($1::text is null or state = $1) and ($2::uuid is null or contact_id = $2)
   and ($3::uuid is null or agent_id = $3)
   and ($4::timestamptz is null or (created_at, id) < ($4, $5::uuid))
 order by created_at desc, id desc limit $6
"""


async def fetch_offers(
    connection: Connection, which: OfferFilter, limit: int, after: tuple[datetime, UUID] | None = None
) -> tuple[Offer, ...]:
    """Offers, newest first, after the one with this `created_at` and id."""
    rows = await connection.fetch(OFFERS, which.state, which.contact, which.agent, *(after or (None, None)), limit)
    return tuple(Offer(*row) for row in rows)


OFFER = "select id, contact_id, agent_id, state, created_at, expires_at, ended_at, reason from offer where id = $1"


async def fetch_offer(connection: Connection, id_: UUID) -> Offer | None:
    """One offer."""
    row = await connection.fetchrow(OFFER, id_)
    return None if row is None else Offer(*row)


QUEUES = """
select id, name, auto_accept, offer_seconds, wrap_up_seconds, park_after_seconds, priority_bonus_seconds from queue
 where retired_at is null and ($1::text is null or id > $1) order by id limit $2
"""


async def fetch_queues(connection: Connection, limit: int, after: str | None = None) -> tuple[QueueView, ...]:
    """Queues by id."""
    return tuple(QueueView(*row) for row in await connection.fetch(QUEUES, after, limit))


AGENTS = """
select a.id, a.name, a.role, a.active, s.agent_id is not null as has_state, s.presence, s.reason, s.connected,
       s.presence_at, s.used_voice, s.cap_voice, s.used_messaging, s.cap_messaging, s.used_mail, s.cap_mail,
       s.used_voicemail, s.cap_voicemail,
       array(select q.queue_id from agent_queue q where q.agent_id = a.id order by q.queue_id) as queues
  from agent a left join agent_state s on s.agent_id = a.id
 where $1::uuid is null or a.id > $1 order by a.id limit $2
"""


async def fetch_agents(connection: Connection, limit: int, after: UUID | None = None) -> tuple[AgentView, ...]:
    """Agents by id."""
    return tuple(_read_agent(row) for row in await connection.fetch(AGENTS, after, limit))


def _read_agent(row: asyncpg.Record) -> AgentView:
    capacity: dict[WorkClass, Capacity] = {}
    presence = None
    if row["has_state"]:
        presence = Presence(row["presence"], row["reason"], row["connected"], row["presence_at"])
        capacity = {
            "voice": Capacity(row["used_voice"], row["cap_voice"]),
            "messaging": Capacity(row["used_messaging"], row["cap_messaging"]),
            "mail": Capacity(row["used_mail"], row["cap_mail"]),
            "voicemail": Capacity(row["used_voicemail"], row["cap_voicemail"]),
        }
    queues = tuple(row["queues"])
    return AgentView(row["id"], row["name"], row["role"], row["active"], presence, capacity, queues)


ACCOUNTS = """
select id, channel, provider, address, region, public_url, queue_id, paused_until, created_at from account
 where $1::text is null or id > $1 order by id limit $2
"""


async def fetch_account_views(connection: Connection, limit: int, after: str | None = None) -> tuple[AccountView, ...]:
    """Accounts by id."""
    return tuple(AccountView(*row) for row in await connection.fetch(ACCOUNTS, after, limit))
