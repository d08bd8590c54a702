"""Accepts that race: two screens on two processes with Redis stopped, a forger, and the instant of the timeout."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections import Counter
from datetime import datetime
from uuid import uuid4

import asyncpg
from msgspec import Struct

from tests.faults.claims_routing import capacity_kept, one_holder, one_live_offer
from tests.faults.rows import load
from tests.outside.company import Company
from tests.outside.screen import Screen
from tests.outside.told import Frame
from tests.outside.verdict import Verdict, compare
from tests.prove_first_light.stage import Stage

CONTACTS = 1000
WAVE = 100
"""At once; the demo allows its screens that many frames."""
LATE_WAVES, LATE_WAVE = 8, 25
AROUND_SECONDS = (-0.015, 0.005)
"""Of the timeout; an accept takes some ms to get to the database, so that most of these are late."""
DEVIATIONS = f"cap_messaging {WAVE} for one agent"
OUTCOMES = "select id::text, state, agent_id::text as agent from offer where id::text = any ($1)"
WINNERS = """
select count(*) from (select contact_id from offer where id::text = any ($1) and state = 'accepted'
                       group by contact_id having count(*) = 1) x
"""


_customers = itertools.count()


class Raced(Struct):
    """What came of every offer: the answers by offer id."""

    ours: dict[str, list[str]]
    forged: dict[str, str]
    late: dict[str, str]


class Cast(Struct):
    """Two screens of one agent on two processes, and another agent who forges."""

    one: Screen
    two: Screen
    forger: Screen

    async def fresh(self) -> None:
        """New connections, each with its burst of frames."""
        for process, screen in enumerate((self.one, self.two, self.forger)):
            await screen.connect(process % 2, resume=False)
        if self.one.told.presence != "available":
            await self.one.present()


async def show(stage: Stage) -> list[Verdict]:
    """The races with Redis stopped, then those around the timeout."""
    company = await stage.demo().start()
    agent, other = company.agents[0], company.agents[1]
    screens = Screen(company, agent), Screen(company, agent, name=f"{agent.name} #2"), Screen(company, other)
    cast = Cast(*(stage.screen(screen) for screen in screens))
    connection = await asyncpg.connect(company.database_url)
    try:
        await connection.execute("update agent_state set cap_messaging = $2 where agent_id::text = $1", agent.id, WAVE)
        raced = await _with_redis_stopped(stage, company, cast)
        verdicts = await _judge(connection, raced, company.redis_pid)
        await connection.execute("update queue set offer_seconds = 5")
        verdicts += await _around_the_timeout(stage, company, cast, connection)
    finally:
        await connection.close()
        company.hang_up()
    database = await load(company.database_url)
    return [*verdicts, *(claim([], database) for claim in (one_holder, one_live_offer, capacity_kept))]


async def _with_redis_stopped(stage: Stage, company: Company, cast: Cast) -> Raced:
    raced = Raced({}, {}, {})
    if company.redis_pid:
        os.kill(company.redis_pid, signal.SIGSTOP)
    try:
        while len(raced.ours) < CONTACTS:
            await cast.fresh()
            offers = await _ring(company, cast, min(WAVE, CONTACTS - len(raced.ours)))
            await asyncio.gather(*(_race(stage, cast, offer, raced) for offer in offers))
            await cast.fresh()
            await asyncio.gather(*(cast.one.finish(card["contact"]) for card in offers.values()))
            for offer in offers:
                raced.late[offer] = _outcome(await cast.two.accept(offer))
    finally:
        if company.redis_pid:
            os.kill(company.redis_pid, signal.SIGCONT)
    return raced


async def _ring(company: Company, cast: Cast, count: int) -> dict[str, Frame]:
    """So many new customers write; wait until both screens ring with all of them."""
    for index in range(count):
        await company.inbound(_number(), uuid4().hex, process=index % 2)
    told = (cast.one.told, cast.two.told)
    await cast.one.until(lambda: len(told[0].ringing) >= count, 15)
    await cast.two.until(lambda: len(told[1].ringing) >= count, 15)
    both = told[0].ringing.keys() & told[1].ringing.keys()
    if len(both) < count:
        raise TimeoutError(f"{count} wrote, but the screens ring with {len(told[0].ringing)}, {len(told[1].ringing)}")
    return {offer: told[0].ringing[offer] for offer in both}


def _number() -> str:
    """A customer nobody has heard of."""
    return f"+1415{6000000 + next(_customers)}"


async def _race(stage: Stage, cast: Cast, offer: str, raced: Raced) -> None:
    async def after(screen: Screen, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return _outcome(await screen.accept(offer))

    delays = [stage.rng.uniform(0, 0.003) for _ in range(3)]
    one, two, forged = await asyncio.gather(
        after(cast.one, delays[0]), after(cast.two, delays[1]), after(cast.forger, delays[2])
    )
    raced.ours[offer], raced.forged[offer] = [one, two], forged


def _outcome(answer: Frame) -> str:
    return str(answer["code"]) if answer["type"] == "error" else str(answer["type"])


async def _judge(connection: asyncpg.Connection[asyncpg.Record], raced: Raced, redis: int | None) -> list[Verdict]:
    winners = await connection.fetchval(WINNERS, list(raced.ours))
    stopped = "Redis stopped" if redis else "no Redis in this demo"
    dose = f"{len(raced.ours)} contacts, {stopped}; {DEVIATIONS}"
    odd = [f"{o}: {a}" for o, a in raced.ours.items() if "profile" not in a or not set(a) <= {"profile", "gone"}]
    answers = Counter(" + ".join(sorted(answers)) for answers in raced.ours.values())
    shown = ", ".join(f"{count} {what}" for what, count in answers.items())
    forged, late = Counter(raced.forged.values()), Counter(raced.late.values())
    return [
        compare("two screens on two processes accept: one hold, the other is the same or gone", dose, odd, shown),
        Verdict("one winner each in the database", dose, f"{winners} accepted once", winners == len(raced.ours)),
        Verdict(
            "another agent's accept is refused",
            dose,
            str(dict(forged)),
            set(forged) <= {"forbidden", "gone", "not_found"},
        ),
        Verdict("late is gone", f"{len(raced.late)} accepts after the end", str(dict(late)), set(late) == {"gone"}),
    ]


async def _around_the_timeout(
    stage: Stage, company: Company, cast: Cast, connection: asyncpg.Connection[asyncpg.Record]
) -> list[Verdict]:
    answers: dict[str, str] = {}
    for _ in range(LATE_WAVES):
        await cast.fresh()
        await _fill(company, cast)
        ringing = {id: card for id, card in cast.one.told.ringing.items() if id not in answers}
        found = await asyncio.gather(*(_at_the_instant(stage, cast.one, card) for card in ringing.values()))
        answers |= dict(zip(ringing, found, strict=True))
        await asyncio.sleep(1.5)
        await cast.fresh()
        for contact in list(cast.one.told.held):
            await cast.one.finish(contact)
    states = {row["id"]: row["state"] for row in await connection.fetch(OUTCOMES, list(answers))}
    wrong = [
        f"{offer}: answered {answer}, is {states[offer]}"
        for offer, answer in answers.items()
        if (answer == "profile") != (states[offer] == "accepted") or answer not in ("profile", "gone")
    ]
    counted = Counter(f"{answer}/{states[offer]}" for offer, answer in answers.items())
    dose = f"{len(answers)} accepts sent -15 to +5 ms from it; offer_seconds 5"
    both = {"profile", "gone"} <= set(answers.values())
    return [
        compare("accept at the instant of the timeout: won or gone, never both", dose, wrong, str(dict(counted))),
        Verdict("the instant was met: some won, some were late", dose, str(dict(Counter(answers.values()))), both),
    ]


async def _fill(company: Company, cast: Cast) -> None:
    for index in range(max(0, LATE_WAVE - len(cast.one.told.ringing))):
        await company.inbound(_number(), uuid4().hex, process=index % 2)
    await cast.one.until(lambda: len(cast.one.told.ringing) >= LATE_WAVE, 3)


async def _at_the_instant(stage: Stage, screen: Screen, card: Frame) -> str:
    at = datetime.fromisoformat(card["expires_at"]).timestamp() + stage.rng.uniform(*AROUND_SECONDS)
    # The database is on this machine: its clock is ours.
    await asyncio.sleep(max(0.0, at - time.time()))
    return _outcome(await screen.accept(card["offer"]))
