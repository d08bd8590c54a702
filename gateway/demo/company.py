"""The demo company: written once into an empty database; a later start finds it there."""

from __future__ import annotations

import random
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from gateway.auth import issue_token
from router.needs import set_agent_queues
from store.ids import new_id
from store.pool import Connection

NUMBER = "+15005550006"
AGENTS = ("Inês Carvalho", "Marek Nowak", "Sofia Lindqvist")
RULES = {
    "rules": [
        {"name": "VIP first", "when": {"field": "tag", "is": "vip"}, "queue": "vip", "priority": 5},
        {"name": "Billing words", "when": {"field": "text", "contains": "invoice"}, "queue": "billing"},
    ]
}


class Person(Struct, frozen=True):
    """A customer of the demo: who they are and what was said before today."""

    name: str
    phone: str
    company: str | None = None
    location: str | None = None
    language: str = "en"
    time_zone: str = "America/New_York"
    plan: str | None = None
    tags: tuple[str, ...] = ()
    talks: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """(days ago, lines): odd lines are the customer's, even ones the agent's."""


PEOPLE = (
    Person(
        "Layla Haddad",
        "+15145550142",
        "Studio Haddad",
        "Montréal",
        "fr",
        "America/Montreal",
        "Business",
        ("vip", "trade"),
        (
            (
                210,
                (
                    "Hello, do you deliver to Montréal?",
                    "Good morning Layla. Yes, in six to nine days.",
                    "Perfect, thanks.",
                ),
            ),
            (
                34,
                (
                    "The oak table arrived with a scratch on one leg.",
                    "I am sorry to read that. Could you send a picture of it?",
                    "Sent it by mail just now.",
                    "Received. A new leg leaves us tomorrow, no cost to you.",
                ),
            ),
            (
                6,
                (
                    "Any news about the second table?",
                    "It is at customs. I keep an eye on it and write the moment it moves.",
                    "Thank you Inês!",
                ),
            ),
        ),
    ),
    Person(
        "Tomáš Beneš",
        "+14155550171",
        "Beneš & Sons",
        "San Francisco",
        "en",
        "America/Los_Angeles",
        "Plus",
        ("wholesale",),
        (
            (
                91,
                (
                    "Can I change the billing address?",
                    "Of course, what is the new one?",
                    "221 Pine Street, 94104.",
                    "Done.",
                ),
            ),
            (
                12,
                (
                    "Our invoice 2026-1182 shows the old address.",
                    "You are right. A corrected one is on its way to you.",
                ),
            ),
        ),
    ),
    Person(
        "Adaeze Okonkwo",
        "+12125550118",
        None,
        "New York",
        plan="Basic",
        talks=(
            (3, ("Is the sample set still free?", "It is. Shall I send you one?", "Yes please!", "It left us today.")),
        ),
    ),
    Person(
        "Giorgos Papadakis",
        "+13125550133",
        None,
        "Chicago",
        "el",
        "America/Chicago",
        "Plus",
        (),
        (
            (
                16,
                (
                    "What colours does the linen come in?",
                    "Sand, slate and petrol. I can send you swatches.",
                    "Petrol please.",
                ),
            ),
        ),
    ),
    Person(
        "María Fernanda Ríos",
        "+13055550187",
        "Casa Ríos",
        "Miami",
        "es",
        talks=((45, ("¿Puedo cambiar el color del sofá?", "Sí, hasta mañana. ¿Cuál prefiere?", "El gris, gracias.")),),
    ),
    Person("Juhani Lehtonen", "+16175550125", None, "Boston", "fi", tags=("press",)),
)

NEW_COMPANY = """
insert into queue (id, name, wrap_up_seconds) values
    ('general', 'General', 0), ('billing', 'Billing', 0), ('vip', 'VIP', 20)
"""
NEW_ACCOUNT = """
insert into account (id, channel, provider, address, secrets, region, public_url, settings, queue_id)
values ('sms-main', 'sms', 'twilio', $1, array[$2], 'US', $3, $4::jsonb, 'general')
"""
MOVE_ACCOUNT = """
update account set public_url = $1, settings = settings || jsonb_build_object('api_base', $2::text)
 where id = 'sms-main'
"""
NEW_AGENT = "insert into agent (id, name, role) values ($1, $2, $3)"
NEW_STATE = "insert into agent_state (agent_id) values ($1)"
NEW_RULES = "insert into rule_set (body) values ($1::jsonb)"


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


async def found_company(connection: Connection, public_url: str, carrier_url: str) -> Company:
    """Write the company into an empty database. Inside a transaction."""
    auth_token, account_sid = secrets.token_hex(16), f"AC{secrets.token_hex(16)}"
    await connection.execute(NEW_COMPANY)
    settings = msgspec.json.encode({"account_sid": account_sid, "api_base": carrier_url}).decode()
    await connection.execute(NEW_ACCOUNT, NUMBER, auth_token, public_url, settings)
    await connection.execute(NEW_RULES, msgspec.json.encode(RULES).decode())
    agents = [await _hire(connection, name, "agent") for name in AGENTS]
    admin = await _hire(connection, "Ada Osei", "admin")
    for person in PEOPLE:
        await _remember(connection, person, agents)
    return Company(admin, tuple(agents), account_sid, auth_token)


async def move_company(connection: Connection, public_url: str, carrier_url: str) -> None:
    """Ports may differ between starts."""
    await connection.execute(MOVE_ACCOUNT, public_url, carrier_url)


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
insert into handle (id, kind, value, customer_id, label, main, created_at)
values ($1, 'phone', $2, $3, 'mobile', true, $4)
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


async def _remember(connection: Connection, person: Person, agents: list[Member]) -> None:
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
