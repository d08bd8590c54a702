"""A company to ask everything of: its database, the tokens of every role, and who asks with them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

import httpx2
import msgspec

from gateway.auth import issue_token
from model.agent import Actor, Role
from profiles.dead_letters import Unreadable, bury
from profiles.seen import pack, save_seen
from store.ids import new_id
from store.pool import Pool
from tests.store.profile_seed import ADA, add_account, add_agent, conversation_of, customer_of, hold, say

ROLES: tuple[Role, ...] = get_args(Role)
Tokens = Mapping[Role, Sequence[str]]
"""Some of each role: each takes 600 requests a minute only."""


SPARE = 8


@dataclass
class Ids:
    """What only contacts bring into being. Of what a request uses up there is one for every role and some more."""

    customer: UUID
    conversation: UUID
    contact: UUID
    entry: UUID
    offer: UUID
    letter: UUID
    attachment: UUID
    agent: UUID
    decision: UUID
    talks: list[UUID]
    """Conversations of customers of their own."""
    strangers: list[UUID]
    """Conversations on shared handles, whose customer is not known."""
    suggestions: list[UUID]
    free: UUID
    """An agent who is there and has room, and serves no queue."""
    held: list[UUID]
    """Contacts they hold."""
    waiting: list[UUID]
    """Contacts nobody serves."""


CONVERSATION = """
select x.conversation_id from contact x join handle h on h.id = x.handle_id where h.value = $1
"""


# Of customers whom nobody else asks about, and whom nobody has to judge: whoever judged them would end the suggestion.
TWINS = """
with c as (
    insert into customer (id, root_id, name)
    select i, i, 'Twin ' || n from (select gen_random_uuid() as i, n from generate_series(1, 2 * $1::int) n) x
    returning id),
s as (insert into stream (kind, id) select 1, id from c)
select id from c order by id
"""
JUDGED = "delete from likeness_due where customer_id = any ($1)"
SUGGEST = """
insert into suggestion (id, low_id, high_id, score, matched)
select gen_random_uuid(), i[n - 1], i[n], 0.5, '[]'
  from (select $1::uuid[] as i) x cross join generate_series(2, cardinality(i), 2) n
returning id
"""


async def _conversation(pool: Pool, phone: str) -> UUID:
    """Of the customer who writes for the first time."""
    await say(pool, "who am I", phone=phone)
    found: UUID = await pool.fetchval(CONVERSATION, phone)
    return found


ATTACHMENT = """
insert into attachment (id, entry_id, account_id, content_type, state, size, data)
values (gen_random_uuid(), $1, 'sms-main', 'text/plain', 'stored', 5, 'hello') returning id
"""


async def _attachment(pool: Pool, entry: UUID) -> UUID:
    """A file on the timeline."""
    made: UUID = await pool.fetchval(ATTACHMENT, entry)
    return made


DECIDE = """
insert into decision (id, contact_id, queue_id, priority, inputs)
values (gen_random_uuid(), $1, 'support', 0, '{"facts": {}}') returning id
"""
# Its source has gone, so the raw event stays what the entry came from.
MAIL = """
insert into mail (id, account_id, key, state, request, size, html, source_gone_at)
values ($1, 'sms-main', 'mail', 'done', '{}', 0, '<p>hello</p>', now())
"""


ADD_VOICE = """
insert into account (id, channel, provider, address, secrets, region, public_url, settings, queue_id)
select 'voice-main', 'voice', provider, '+15005550009', secrets, region, public_url, settings, queue_id
  from account where id = 'sms-main'
"""


# A screen of theirs is leased by a process that nobody declares dead.
IS_THERE = """
with p as (
    insert into gateway_process (id, expires_at) values (gen_random_uuid(), now() + interval '1 day') returning id),
s as (insert into screen (id, agent_id, process_id) select gen_random_uuid(), $1, id from p)
update agent_state set presence = 'available', connected = true, cap_messaging = 1000 where agent_id = $1
"""


async def _contact(pool: Pool, phone: str, holder: Actor | None = None) -> UUID:
    """Of a customer of its own; somebody holds it, or it waits."""
    conversation = await _conversation(pool, phone)
    if holder is not None:
        return await hold(pool, holder, phone)
    found: UUID = await pool.fetchval("select id from contact where conversation_id = $1", conversation)
    return found


async def seed(pool: Pool, tokens_per_role: int = 1) -> tuple[Tokens, Ids]:
    """Fill a fresh database: agents of every role, a contact somebody holds, and a dead letter."""
    await add_account(pool, "sms-main")
    await pool.execute(ADD_VOICE)
    agents = {role: await add_agent(pool, role.title(), role) for role in ROLES}
    await say(pool, "hello")
    contact = await hold(pool, agents["agent"])
    offer = new_id()
    await pool.execute(
        "insert into offer (id, contact_id, agent_id, fence, class, weight, expires_at)"
        " values ($1, $2, $3, 1, 'message', 1, now() + interval '1 hour')",
        *(offer, contact, agents["agent"].id),
    )
    async with pool.acquire() as connection:
        await save_seen(connection, offer, agents["agent"].id, pack(b'{"type": "profile", "seq": 1}'))
        letter = await bury(connection, Unreadable("sms-main", None, "", "text/plain", b"\xff\x00", "no From", "From"))
        tokens = {
            role: [await issue_token(connection, agent.id, "test") for _ in range(tokens_per_role)]
            for role, agent in agents.items()
        }
    talks = [await _conversation(pool, f"+1206557{number:04}") for number in range(SPARE)]
    strangers = []
    for number in range(SPARE):
        phone = f"+1206558{number:04}"
        await pool.execute(
            "insert into handle (id, kind, scope, value, shared) values ($1, 'phone', '', $2, true)", new_id(), phone
        )
        strangers.append(await _conversation(pool, phone))
    entry = await pool.fetchval("select id from entry where customer_id = $1 limit 1", await customer_of(pool))
    await pool.execute(MAIL, entry)
    free = await add_agent(pool, "Free")
    await pool.execute(IS_THERE, free.id)
    ids = Ids(
        customer=await customer_of(pool, ADA),
        conversation=await conversation_of(pool, ADA),
        contact=contact,
        entry=entry,
        offer=offer,
        letter=letter,
        attachment=await _attachment(pool, entry),
        agent=agents["agent"].id,
        decision=await pool.fetchval(DECIDE, contact),
        talks=talks,
        strangers=strangers,
        suggestions=await _suggestions(pool),
        free=free.id,
        held=[await _contact(pool, f"+1206559{number:04}", free) for number in range(SPARE)],
        waiting=[await _contact(pool, f"+1206560{number:04}") for number in range(SPARE)],
    )
    return tokens, ids


async def _suggestions(pool: Pool) -> list[UUID]:
    """That these two or those might be one."""
    twins = [row["id"] for row in await pool.fetch(TWINS, SPARE)]
    await pool.execute(JUDGED, twins)
    return [row["id"] for row in await pool.fetch(SUGGEST, twins)]


class Asker:
    """Asks a gateway in a role, the role's tokens taking turns; one that asked too often is waited for."""

    def __init__(self, url: str, tokens: Tokens) -> None:
        self.url = url
        self.client = httpx2.Client(base_url=url, trust_env=False, timeout=30.0, follow_redirects=False)
        self._turns = {role: itertools.cycle(each) for role, each in tokens.items()}

    def token(self, role: Role) -> str:
        """The next token of a role."""
        return next(self._turns[role])

    def ask(self, role: Role, method: str, path: str, body: object = None, query: Any = None) -> httpx2.Response:
        """One request."""
        content = None if body is None else msgspec.json.encode(body)
        while True:
            headers = {"Authorization": f"Bearer {self.token(role)}", "Content-Type": "application/json"}
            answer = self.client.request(method, path, content=content, params=query, headers=headers)
            if answer.status_code != httpx2.codes.TOO_MANY_REQUESTS:
                return answer
            time.sleep(float(answer.headers["retry-after"]))
