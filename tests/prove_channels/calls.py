"""Five hundred calls with hang-ups at any moment, declines, timeouts, failing lines; reports late, twice, reordered.

The demo with two processes; its agents sit at screens and take, decline or let ring by chance; the world outside plays
callers and lines by chance, executes the TwiML and reports late and twice. Then its own notes, the frames the screens
got and the database must tell one story of every call.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from collections import Counter
from typing import Any

import asyncpg
import httpx2
from msgspec import Struct

from tests.outside.company import Company
from tests.outside.screen import Gone, Screen
from tests.outside.told import Frame
from tests.outside.verdict import Verdict, compare
from tests.prove_first_light.stage import Stage

CALLS, OVER_SECONDS = 500, 150.0
PACE = 0.05
LATE, TWICE = 0.8, 0.3
OFFER_SECONDS, OVERFLOW_SECONDS = 5, 12
SETTLED_WITHIN = 240.0
ACCOUNT = "voice-main"
DOSE = f"{CALLS} calls, reports up to {LATE} s late, {TWICE:.0%} twice"

SET_UP = """
insert into voice_line (account_id, settings) values ($1, $2::jsonb)
on conflict (account_id) do update set settings = excluded.settings
"""
ENDED = "select count(*) from call where account_id = $1 and direction = 'in' and state = 'ended'"
ALL = """
select k.id::text, k.state, k.outcome, c.state as contact, k.answered_at is not null as answered,
       k.voicemail_id is not null as left_word, l.sid, l.state as leg
  from call k join contact c on c.id = k.contact_id join call_leg l on l.call_id = k.id and l.role = 'customer'
 where k.account_id = $1 and k.direction = 'in'
"""
LEGS = """
select l.sid, c.id::text as contact, l.agent_id::text as agent from call_leg l join call k on k.id = l.call_id
  join contact c on c.id = k.contact_id
 where l.role = 'agent' and l.sid is not null and k.account_id = $1
"""
BUSY = """
select a.name from agent_state s join agent a on a.id = s.agent_id where s.used_voice > 0
union all
select 'offer ' || o.id from offer o where o.class = 'voice' and (o.state = 'pending'
       or o.state = 'accepted' and o.released_at is null)
union all
select 'contact ' || c.id || ' ' || c.state from contact c
 where c.class = 'voice' and c.state not in ('abandoned', 'closed')
union all
select 'leg ' || l.id || ' ' || l.state from call_leg l where l.state <> 'ended'
"""


class Told(Struct):
    """When a screen had the profile of which contact, by the machine's clock."""

    profiles: dict[tuple[str, str], list[float]]
    decisions: Counter[str]


class Outside:
    """The world outside, by its control addresses."""

    def __init__(self, company: Company) -> None:
        self._url = json.loads(company.path.read_bytes())["carrier_url"]
        self._http = httpx2.AsyncClient(trust_env=False, timeout=30)

    async def wish(self, kind: str, **wish: Any) -> Any:
        """Tell it to do something."""
        body = {"account": ACCOUNT, "kind": kind, **wish}
        answer = await self._http.post(f"{self._url}/control/inbound", json=body)
        answer.raise_for_status()
        return answer.json()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


async def show(stage: Stage) -> list[Verdict]:
    """Play all calls, wait until all have ended, and compare the stories."""
    company = await stage.demo().start()
    outside = Outside(company)
    connection = await asyncpg.connect(company.database_url)
    told = Told({}, Counter())
    try:
        await _set_up(stage, company, outside, connection)
        screens = [stage.screen(Screen(company, agent)) for agent in company.agents]
        work = [asyncio.create_task(_sit(screen, n % 2, stage.rng, told)) for n, screen in enumerate(screens)]
        sids = await _ring(stage.rng, outside)
        settled = await _settle(connection)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        story = await outside.wish("calls")
        return [*settled, *await _judge(connection, sids, story, told)]
    finally:
        await connection.close()
        await outside.aclose()


async def _set_up(stage: Stage, company: Company, outside: Outside, connection: asyncpg.Connection) -> None:
    settings = {"greeting": "Welcome.", "overflow_seconds": OVERFLOW_SECONDS, "hold_seconds": 20, "record": True}
    await connection.execute(SET_UP, ACCOUNT, json.dumps(settings))
    await connection.execute(
        "update queue set offer_seconds = $1, wrap_up_seconds = 0, auto_accept = false", OFFER_SECONDS
    )
    await connection.execute("insert into agent_queue select a.id, q.id from agent a, queue q on conflict do nothing")
    await outside.wish("pace", pace=PACE, late=LATE, twice=TWICE)
    for number, agent in enumerate(company.agents):
        address = f"client:{agent.id.replace('-', '')}"
        if number % 3 == 2:
            address = f"+1555777{number:04d}"
            await connection.execute(
                "insert into agent_line values ($1::text::uuid, 'phone', $2) on conflict do nothing", agent.id, address
            )
        persons = [_line(stage.rng) for _ in range(CALLS)]
        await outside.wish("people", address=address, persons=persons)


def _line(rng: random.Random) -> dict[str, Any]:
    """How an agent's line behaves once: mostly it is taken, and the one digit pressed."""
    answer = rng.choices(("answered", "no-answer", "busy", "failed"), (84, 6, 5, 5))[0]
    digits = "1" if rng.random() < 0.93 else ""
    talk = rng.uniform(4, 25) if rng.random() < 0.5 else None
    return {"answer": answer, "after": rng.uniform(0.5, 8), "digits": digits, "talk": talk}


def _caller(rng: random.Random) -> dict[str, Any]:
    """A caller: some give up after a while, wherever they are by then; the others talk and hang up."""
    patience = rng.uniform(0.2, 160) if rng.random() < 0.35 else None
    return {"patience": patience, "talk": rng.uniform(6, 30), "speaks": rng.choice((0, 3, 8, 8))}


async def _ring(rng: random.Random, outside: Outside) -> list[str]:
    """All callers, by and by; the ids of their lines."""
    sids: list[str] = []
    for number in range(CALLS):
        phone = f"+1629{5550000 + rng.randrange(300):07d}" if rng.random() < 0.5 else f"+1628{6000000 + number:07d}"
        sids.append((await outside.wish("call", **{"from": phone}, person=_caller(rng)))["sid"])
        await asyncio.sleep(rng.uniform(0, 2 * OVER_SECONDS / CALLS))
        if number % 100 == 99:
            sys.stdout.write(f"{number + 1} calls have come in\n")
            sys.stdout.flush()
    return sids


async def _sit(screen: Screen, process: int, rng: random.Random, told: Told) -> None:
    """An agent: decides on every offer, comes back after every time the product sent them away."""

    def hear(frame: Frame) -> None:
        contact = frame.get("contact")
        if frame["type"] == "profile" and contact:
            told.profiles.setdefault((contact["id"], screen.agent.id), []).append(time.monotonic())

    screen.listeners.append(hear)
    seen: set[str] = set()
    while True:
        with contextlib.suppress(Gone, TimeoutError, OSError):
            if not screen.connected:
                await screen.connect(process)
            await screen.afford(8)
            if screen.told.presence != "available":
                await screen.present()
            for offer in [offer for offer in screen.told.ringing if offer not in seen]:
                seen.add(offer)
                await _decide(screen, offer, rng, told)
            await screen.until(lambda: any(offer not in seen for offer in screen.told.ringing), 0.5)


async def _decide(screen: Screen, offer: str, rng: random.Random, told: Told) -> None:
    choice = rng.choices(("take", "late", "decline", "ignore"), (74, 10, 12, 4))[0]
    told.decisions[choice] += 1
    if choice == "late":
        await asyncio.sleep(rng.uniform(0.5, OFFER_SECONDS))
    if choice in ("take", "late"):
        await screen.accept(offer)
    elif choice == "decline":
        await screen.decline(offer)


async def _settle(connection: asyncpg.Connection) -> list[Verdict]:
    """Wait until every call has ended and nothing of any is left."""
    until = time.monotonic() + SETTLED_WITHIN
    while time.monotonic() < until:
        done = await connection.fetchval(ENDED, ACCOUNT)
        if done >= CALLS and not await connection.fetch(BUSY):
            break
        await asyncio.sleep(0.5)
    await asyncio.sleep(2 * LATE)
    left = [row["name"] for row in await connection.fetch(BUSY)]
    done = await connection.fetchval(ENDED, ACCOUNT)
    return [
        Verdict("every call ends", DOSE, f"{done} of {CALLS} ended", done == CALLS),
        compare("no agent stays busy: no slot, offer, contact or line is left", DOSE, left, "nothing is left"),
    ]


async def _judge(connection: asyncpg.Connection, sids: list[str], story: Any, told: Told) -> list[Verdict]:
    rows = {row["sid"]: row for row in await connection.fetch(ALL, ACCOUNT)}
    lines = {line["sid"]: line for line in story["lines"]}
    legs = {row["sid"]: row for row in await connection.fetch(LEGS, ACCOUNT)}
    met = _met(story, set(legs))
    outcomes = Counter(row["outcome"] for row in rows.values())
    kinds = ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
    faults = [f"{sid}: no call" for sid in sids if sid not in rows]
    faults += [f"{sid}: {row['outcome']}" for sid, row in rows.items() if not _is_one(row)]
    exact = compare("each ends in exactly one of answered, abandoned, voicemail", DOSE, faults, kinds)
    unmet = [sid for sid, row in rows.items() if row["outcome"] == "answered" and sid not in met]
    answered = compare("answered: both legs met in one conference", DOSE, unmet, f"{outcomes['answered']} met")
    talked = [
        f"{sid} {row['outcome']}, met for {met[sid]:.2f} s"
        for sid, row in rows.items()
        if row["outcome"] != "answered" and sid in met
    ]
    missed = compare(
        "not answered: caller and agent never met", DOSE, talked, f"{CALLS - outcomes['answered']} did not"
    )
    return [exact, answered, missed, *_judge_lines(story, lines, legs, told), _mix(outcomes, told)]


def _judge_lines(story: Any, lines: dict[str, Any], legs: dict[str, Any], told: Told) -> list[Verdict]:
    early = _early(legs, lines, told)
    rang = sum(sid in lines for sid in legs)
    pushed = compare(
        "the profile is on the agent's screen before their line rings", f"{rang} lines", early, "every one"
    )
    heard = list(story["faults"])
    clean = compare("no caller hears an error: every answer is TwiML as Twilio documents it", DOSE, heard, "none")
    busy = [
        line["sid"]
        for line in lines.values()
        if line["status"] not in ("completed", "busy", "failed", "no-answer", "canceled")
    ]
    over = compare("no line stays open at the provider", f"{len(lines)} lines", busy, "all have ended")
    return [pushed, clean, over]


def _mix(outcomes: Counter[str], told: Told) -> Verdict:
    """Whether enough of everything happened to say anything."""
    enough = outcomes["answered"] > CALLS / 4 and outcomes["abandoned"] > CALLS / 20 and outcomes["voicemail"] > 0
    every = min(told.decisions[what] for what in ("take", "late", "decline", "ignore")) > 0
    said = ", ".join(f"{count} {what}" for what, count in told.decisions.most_common())
    return Verdict("offers were taken, taken late, declined and ignored", DOSE, said, enough and every)


def _is_one(row: Any) -> bool:
    """Whether what is written of a call fits its outcome and no other."""
    match row["outcome"]:
        case "answered":
            return bool(row["answered"] and not row["left_word"])
        case "voicemail":
            return bool(row["left_word"] and not row["answered"])
        case "abandoned":
            return not row["answered"] and not row["left_word"]
    return False


def _met(story: Any, legs: set[str]) -> dict[str, float]:
    """Callers who were in a conference with an agent's leg, and for how long at most."""
    lines = {line["sid"]: {what: at for at, what in line["history"]} for line in story["lines"]}
    found: dict[str, float] = {}
    for room in story["rooms"]:
        for pair in room["met"]:
            for one, other in (pair, pair[::-1]):
                if other in legs and one not in legs:
                    ends = [
                        lines[sid][what]
                        for sid in pair
                        for what in ("completed", "failed", "canceled")
                        if what in lines[sid]
                    ]
                    began = max(lines[sid].get("joined", 0.0) for sid in pair)
                    found[one] = max(found.get(one, 0.0), min(ends, default=began) - began)
    return found


def _early(legs: dict[str, Any], lines: dict[str, Any], told: Told) -> list[str]:
    """Lines that rang before the screen of their agent had the profile."""
    faults = []
    for sid, row in legs.items():
        if sid not in lines:
            continue
        rang = lines[sid]["history"][0][0]
        shown = told.profiles.get((row["contact"], row["agent"]), [])
        if not any(at < rang for at in shown):
            faults.append(f"{sid}: {min(shown, default=0.0) - rang:.3f} s too late" if shown else f"{sid}: no profile")
    return faults
