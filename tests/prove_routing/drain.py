"""A backlog of 10,000 contacts and 50 agents who come to work at once: drained, and nobody idle beside what they serve.

Webhooks bring the backlog to two processes while nobody is there. Then every agent opens a screen, and takes, declines
now and then, talks for a moment and finishes. What happened is read from the database afterwards and judged by `idle`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import secrets
import sys
import time
from collections.abc import Coroutine, Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from router.needs import set_agent_queues
from tests.outside.company import Agent, Company
from tests.outside.screen import UNREACHABLE, Gone, Screen
from tests.outside.told import Frame
from tests.outside.verdict import Verdict
from tests.prove_first_light.stage import Stage
from tests.prove_routing.idle import Busy, Staff, There, Waits, longest_idle

CONTACTS, AGENTS, SLOTS = 10_000, 50, 2
WITHIN_SECONDS = 2.0
AT_ONCE = 32
TALK_SECONDS = 0.25
DECLINES = 0.02
LIMIT_SECONDS = 900.0
SETTINGS = {"SCREENPOP_SCREEN_FRAMES_PER_MINUTE": "60000", "SCREENPOP_SCREEN_BURST": "5000"}
SERVES = (("general", "billing"), ("general", "billing"), ("general", "billing"), ("general",), ("billing",))
LOST = (*UNREACHABLE, Gone, TimeoutError)
HIRE = "insert into agent (id, name, role) values ($1, $2, 'agent')"
SIT = "insert into agent_state (agent_id, cap_messaging) values ($1, $2)"
TOKEN = "insert into token (hash, agent_id, label) values ($1, $2, 'proof')"
LEFT = "select count(*) from contact where state not in ('closed', 'abandoned')"
QUEUED = "select count(*) from contact where state = 'queued' and not unrouted"
# The demo's customers have a past of days ago, in which nobody was offered anything.
CONTACT_ROWS = """
select id::text, queue_id, extract(epoch from arrived_at)::float8 as at from contact
 where arrived_at > now() - interval '1 hour' order by arrived_at
"""
OFFER_ROWS = """
select contact_id::text as contact, agent_id::text as agent, state, extract(epoch from created_at)::float8 as since,
       extract(epoch from ended_at)::float8 as ended, extract(epoch from released_at)::float8 as released
  from offer order by created_at, id
"""
PRESENCE_ROWS = """
select id::text as agent, extract(epoch from at)::float8 as at,
       body::jsonb -> 'presence' ->> 'status' = 'available' and (body::jsonb -> 'presence' ->> 'connected')::boolean
           as there
  from event where kind = 3 and body::jsonb ->> 'kind' = 'presence' order by id, seq
"""


async def show(stage: Stage) -> list[Verdict]:
    """Play it and judge it."""
    demo = stage.demo()
    demo.settings = SETTINGS
    company = await demo.start()
    connection = await asyncpg.connect(company.database_url)
    try:
        agents = await _hire(connection)
        await _arrive(company, connection)
        began = time.monotonic()
        await _work(stage, company, connection, agents)
        took = time.monotonic() - began
        left = int(await connection.fetchval(LEFT))
        staff = {agent.id: Staff(SLOTS, frozenset(_serves(number))) for number, agent in enumerate(agents)}
        waits, busy, there = await _history(connection)
    finally:
        await connection.close()
        company.hang_up()
    idle = longest_idle(staff, waits, busy, there)
    beginning, end = min(span.since for span in there), max(wait.until for wait in waits)
    phantom = {**staff, "nobody": Staff(1, frozenset({"general"}))}
    seen = longest_idle(phantom, waits, busy, [*there, There("nobody", beginning, end)])
    declined = sum(each.declined for each in busy)
    dose = f"{len(waits)} times of waiting, {len(busy)} offers, {declined} declined, {idle.events} events"
    others = f"{CONTACTS} contacts, {AGENTS} agents with {SLOTS} slots, two processes"
    return [
        Verdict("the backlog drains", others, f"{left} left after {took:.0f} s", left == 0),
        Verdict(
            f"no agent has a free slot for over {WITHIN_SECONDS:.0f} s while eligible work waits",
            dose,
            f"the longest: {idle.seconds:.3f} s, {idle.at - beginning:.1f} s after the first agent came",
            idle.seconds <= WITHIN_SECONDS,
        ),
        Verdict(
            "the checker sees an agent who is given nothing",
            "the same history with one agent more",
            f"{seen.seconds:.1f} s",
            seen.agent == "nobody" and seen.seconds > WITHIN_SECONDS,
        ),
    ]


def _serves(number: int) -> Sequence[str]:
    return SERVES[number % len(SERVES)]


async def _hire(connection: asyncpg.Connection[asyncpg.Record]) -> list[Agent]:
    agents = []
    for number in range(AGENTS):
        id_, token = uuid4(), f"sp_{secrets.token_urlsafe(32)}"
        name = f"Agent {number}"
        async with connection.transaction():
            await connection.execute(HIRE, id_, name)
            await connection.execute(SIT, id_, SLOTS)
            await connection.execute(TOKEN, hashlib.sha256(token.encode()).digest(), id_)
            await set_agent_queues(connection, UUID(str(id_)), list(_serves(number)))
        agents.append(Agent(str(id_), name, token))
    return agents


async def _arrive(company: Company, connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """10,000 customers write, to both processes, every third about an invoice; all are routed before anybody comes."""
    numbers = iter(range(CONTACTS))

    async def some() -> None:
        for number in numbers:
            text = "my invoice, please" if number % 3 == 0 else "where is my order?"
            while True:
                answer = await company.inbound(f"+1628{7_000_000 + number}", text, process=number % 2)
                if answer.status == 200:
                    break
                await asyncio.sleep(answer.retry_after or 0.1)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    while await connection.fetchval(QUEUED) < CONTACTS:  # noqa: ASYNC110  # the product's processes
        await asyncio.sleep(0.2)
    sys.stdout.write(f"  {CONTACTS} wait\n")
    sys.stdout.flush()


async def _work(
    stage: Stage, company: Company, connection: asyncpg.Connection[asyncpg.Record], agents: list[Agent]
) -> None:
    """Everybody works until nothing is left."""
    ended = asyncio.Event()
    workers = [
        asyncio.create_task(
            _one(stage.screen(Screen(company, agent)), number, random.Random(stage.rng.random()), ended)
        )
        for number, agent in enumerate(agents)
    ]
    until = time.monotonic() + LIMIT_SECONDS
    told = CONTACTS
    while (left := int(await connection.fetchval(LEFT))) and time.monotonic() < until:
        if left <= told - 2_000:
            told = left
            sys.stdout.write(f"  {left} left\n")
            sys.stdout.flush()
        await asyncio.sleep(0.5)
    ended.set()
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def _one(screen: Screen, number: int, rng: random.Random, ended: asyncio.Event) -> None:
    """An agent, who takes what rings, as many at once as they have slots, and ends what an answer was lost of."""
    under_way: dict[str, asyncio.Task[None]] = {}

    def begin(contact: str, work: Coroutine[Any, Any, None]) -> None:
        task = under_way[contact] = asyncio.create_task(work, name=contact)
        task.add_done_callback(lambda done: under_way.pop(done.get_name(), None))

    def new() -> list[Frame]:
        return [card for card in screen.told.ringing.values() if card["contact"] not in under_way]

    while not ended.is_set():
        try:
            if not screen.connected:
                await screen.connect(number % 2)
                await screen.present()
            for card in new():
                begin(card["contact"], _take(screen, card, rng))
            for contact in [contact for contact in screen.told.held if contact not in under_way]:
                begin(contact, _end(screen, contact))
            await screen.until(lambda: bool(new()), 1)
        except LOST:
            await asyncio.sleep(0.2)


async def _take(screen: Screen, card: Frame, rng: random.Random) -> None:
    with contextlib.suppress(*LOST):
        if rng.random() < DECLINES:
            await screen.decline(card["offer"])
            return
        answer = await screen.accept(card["offer"])
        if answer["type"] == "profile":
            await asyncio.sleep(rng.expovariate(1 / TALK_SECONDS))
            await _end(screen, card["contact"])
            await screen.leave(answer["feed"].partition(":")[2])


async def _end(screen: Screen, contact: str) -> None:
    with contextlib.suppress(*LOST):
        await screen.finish(contact)


async def _history(
    connection: asyncpg.Connection[asyncpg.Record],
) -> tuple[list[Waits], list[Busy], list[There]]:
    """What waited, who was busy, who was there, from the rows and the log."""
    offers: dict[str, list[Any]] = {}
    rows = await connection.fetch(OFFER_ROWS)
    now = float(await connection.fetchval("select extract(epoch from clock_timestamp())::float8"))
    for row in rows:
        offers.setdefault(row["contact"], []).append(row)
    waits = []
    for contact in await connection.fetch(CONTACT_ROWS):
        since: float | None = contact["at"]
        for offer in offers.get(contact["id"], ()):
            assert since is not None, "offered while it was held"
            waits.append(Waits(contact["id"], contact["queue_id"], since, offer["since"]))
            since = None if offer["state"] == "accepted" else offer["ended"]
        if since is not None:
            waits.append(Waits(contact["id"], contact["queue_id"], since, now))
    busy = [
        Busy(
            *(row["agent"], row["contact"], row["since"]),
            (row["released"] if row["state"] == "accepted" else row["ended"]) or now,
            row["state"] in ("declined", "timed_out"),
        )
        for row in rows
    ]
    there: list[There] = []
    open_: dict[str, float] = {}
    for row in await connection.fetch(PRESENCE_ROWS):
        if row["there"]:
            open_.setdefault(row["agent"], row["at"])
        elif row["agent"] in open_:
            there.append(There(row["agent"], open_.pop(row["agent"]), row["at"]))
    there += [There(agent, since, now) for agent, since in open_.items()]
    return waits, busy, there
