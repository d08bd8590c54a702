"""The demo company: written once into an empty database; a later start finds it there."""

from __future__ import annotations

import random
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from gateway.auth import issue_token
from gateway.demo.accounts import Address, Keys, addresses, save_addresses
from gateway.demo.knowledge import know
from gateway.demo.people import PEOPLE, Person
from router.needs import set_agent_queues
from store.ids import new_id
from store.pool import Connection

AGENTS = ("Inês Carvalho", "Marek Nowak", "Sofia Lindqvist")
RULES = {
    "rules": [
        {"name": "VIP first", "when": {"field": "tag", "is": "vip"}, "queue": "vip", "priority": 5},
        {"name": "Billing words", "when": {"field": "text", "contains": "invoice"}, "queue": "billing"},
    ]
}


NEW_COMPANY = """
insert into queue (id, name, wrap_up_seconds) values
    ('general', 'General', 0), ('billing', 'Billing', 0), ('vip', 'VIP', 20)
"""
NEW_DISPOSITIONS = """
insert into disposition (id, label, parent_id, position) values
    ('order', 'Order', null, 10), ('late', 'Late', 'order', 11), ('damaged', 'Damaged', 'order', 12),
    ('returned', 'Sent back', 'order', 13), ('advice', 'Advice', null, 20), ('other', 'Something else', null, 30)
"""
NEW_SOURCE = """
insert into source (id, title, url, secret, cache_seconds)
values ('shop', 'Orders', $1 || '/orders?phone={phone}', $2, 60)
on conflict (id) do update set url = excluded.url, secret = excluded.secret
"""
NEW_AGENT = "insert into agent (id, name, role) values ($1, $2, $3)"
NEW_STATE = "insert into agent_state (agent_id) values ($1)"
NEW_RULES = "insert into rule_set (body) values ($1::jsonb)"


class Outside(Struct, frozen=True):
    """Where the company meets the rest of the world, at this start."""

    hooks_url: str
    outside_url: str
    smtp_port: int
    shop_url: str


class Member(Struct, frozen=True):
    """Someone of the company, with the token they sign in with."""

    id: UUID
    name: str
    token: str


class Company(Struct, frozen=True):
    """What must be remembered between starts, and stands nowhere else: tokens are stored as hashes."""

    admin: Member
    agents: tuple[Member, ...]
    account_sid: str
    auth_token: str
    shop_secret: str = msgspec.field(default_factory=lambda: secrets.token_hex(16))
    """A company founded before there was a shop gets a new one at every start."""

    def addresses(self, outside: Outside) -> list[Address]:
        """Its accounts as they are at this start."""
        keys = Keys(self.account_sid, self.auth_token, outside.hooks_url, outside.outside_url, outside.smtp_port)
        return addresses(keys)


async def found_company(connection: Connection, outside: Outside) -> Company:
    """Write the company into an empty database. Inside a transaction."""
    await connection.execute(NEW_COMPANY)
    await connection.execute(NEW_DISPOSITIONS)
    await connection.execute(NEW_RULES, msgspec.json.encode(RULES).decode())
    agents = [await _hire(connection, name, "agent") for name in AGENTS]
    admin = await _hire(connection, "Ada Osei", "admin")
    company = Company(admin, tuple(agents), f"AC{secrets.token_hex(16)}", secrets.token_hex(16))
    await move_company(connection, company, outside)
    known = [await _remember(connection, person, agents) for person in PEOPLE]
    await know(connection, known, agents)
    return company


async def move_company(connection: Connection, company: Company, outside: Outside) -> None:
    """Ports may differ between starts, and a channel may be new."""
    await save_addresses(connection, company.addresses(outside))
    await connection.execute(NEW_SOURCE, outside.shop_url, company.shop_secret)


async def _hire(connection: Connection, name: str, role: str) -> Member:
    identity = new_id()
    await connection.execute(NEW_AGENT, identity, name, role)
    await connection.execute(NEW_STATE, identity)
    if role == "agent":
        await set_agent_queues(connection, identity, ["general", "billing", "vip"])
    return Member(identity, name, await issue_token(connection, identity, "demo", None))


NEW_CUSTOMER = """
insert into customer (id, root_id, name, company, location, language, time_zone, plan, tags, created_at)
values ($1, $1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
NEW_STREAM = "insert into stream (kind, id, last_at) values (1, $1, $2)"
NEW_HANDLE = """
insert into handle (id, kind, value, customer_id, label, main, verified, created_at)
values ($1, 'phone', $2, $3, 'mobile', true, true, $4)
"""
NEW_LINK = """
insert into link (id, handle_id, customer_id, rule, evidence, at)
values ($1, $2, $3, 'first_contact', '{"account": "sms-main", "proven_by": "channel", "rivals": []}', $4)
"""
NEW_CONVERSATION = """
insert into conversation (id, customer_id, profile_id, status, opened_at, closed_at)
values ($1, $2, $2, 'closed', $3, $4)
"""
NEW_CONTACT = """
insert into contact (id, customer_id, conversation_id, account_id, handle_id, channel, class, state, unrouted, queue_id,
                     arrived_at, state_at)
values ($1, $2, $3, 'sms-main', $4, 'sms', 'messaging', 'closed', false, 'general', $5, $6)
"""
NEW_ENTRY = """
insert into entry (id, customer_id, conversation_id, at, kind, channel, direction, body,
                   handle_id, account_id, author_id)
values ($1, $2, $3, $4, $5, 'sms', $6, $7, $8, 'sms-main', $9)
"""
NEW_SENT = """
insert into outbox (entry_id, customer_id, conversation_id, account_id, to_address, body, at, state, attempts, due_at,
                    deadline_at, provider_id)
values ($1, $2, $3, 'sms-main', $4, $5, $6, 'delivered', 1, $6, $6, $7)
"""


async def _remember(connection: Connection, person: Person, agents: list[Member]) -> UUID:
    """A customer and what was said before today."""
    chance = random.Random(person.phone)  # noqa: S311  # the same past at every founding
    today = datetime.now(UTC)
    customer, handle = new_id(), new_id()
    first = today - timedelta(days=max((days for days, _ in person.talks), default=1), minutes=5)
    await connection.execute(
        NEW_CUSTOMER,
        customer,
        person.name,
        person.company,
        person.location,
        person.language,
        person.time_zone,
        person.plan,
        list(person.tags),
        first,
    )
    await connection.execute(NEW_STREAM, customer, today - timedelta(hours=1))
    await connection.execute(NEW_HANDLE, handle, person.phone, customer, first)
    await connection.execute(NEW_LINK, new_id(), handle, customer, first)
    for days, lines in person.talks:
        at = today - timedelta(days=days, minutes=chance.randrange(300))
        await _talk(connection, (customer, handle, person.phone), at, lines, chance.choice(agents))
    return customer


async def _talk(
    connection: Connection, who: tuple[UUID, UUID, str], at: datetime, lines: tuple[str, ...], agent: Member
) -> None:
    customer, handle, phone = who
    conversation = new_id()
    end = at + timedelta(minutes=3 * len(lines) + 1)
    await connection.execute(NEW_CONVERSATION, conversation, customer, at, end)
    await connection.execute(NEW_CONTACT, new_id(), customer, conversation, handle, at, end)
    for number, line in enumerate(lines):
        said, ours = at + timedelta(minutes=3 * number), number % 2 == 1
        entry = new_id()
        await connection.execute(
            NEW_ENTRY,
            entry,
            customer,
            conversation,
            said,
            "message",
            "out" if ours else "in",
            line,
            handle,
            agent.id if ours else None,
        )
        if ours:
            sid = f"SM{secrets.token_hex(16)}"
            await connection.execute(NEW_SENT, entry, customer, conversation, phone, line, said, sid)
    await connection.execute(NEW_ENTRY, new_id(), customer, conversation, end, "status", None, "closed", None, agent.id)
