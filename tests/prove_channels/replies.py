"""Five thousand replies to a provider that refuses, fails and loses its answers, beside one that must not notice.

The demo, one process. An administrator's screen answers customers of `sms-main`, whose provider is told to answer 429
to 30 %, 500 to 20 % and to accept and then reset 5 %; meanwhile replies leave by another account, and how long each
takes from the screen to its provider is compared with the same load before and after.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter, defaultdict
from datetime import datetime
from statistics import median
from uuid import uuid4

import asyncpg
import httpx2
from msgspec import Struct

from tests.outside.company import Agent, Company
from tests.outside.screen import UNREACHABLE, Screen
from tests.outside.verdict import Verdict, compare
from tests.prove_first_light.stage import Stage

REPLIES, CONTROL = 5000, 1200
PER_SECOND, OTHERS_PER_SECOND = 20.0, 5.0
SCREENS, AT_ONCE, TRIES = 4, 8, 20
CUSTOMERS, OTHER_CUSTOMERS = 500, 25
MIXTURE = (("429", 0.30), ("500", 0.20), ("reset_after_accept", 0.05))
RETRY_AFTER = 0.05
ROUNDS = 5
MOST_SLOWER = 1.2
WELL_AGAIN_AFTER, SETTLED_WITHIN = 600.0, 1200.0
MAIN, OTHER = "sms-main", "whatsapp-main"

CONVERSATIONS = """
select distinct v.id::text as id from contact c join conversation v on v.id = c.conversation_id
 where c.account_id = $1 and v.status <> 'closed'
"""
OUTCOMES = "select entry_id::text as id, state, error, attempts from outbox where account_id = $1"
OPEN = "select count(*) from outbox where account_id = $1 and state in ('queued', 'sending')"
UNKNOWN_TOLD = "select body from event where kind = 1 and body like '%\"unknown\"%'"


class Written(Struct, frozen=True):
    """A reply the gateway acknowledged, and when it was asked for."""

    id: str
    conversation: str
    body: str
    at: float


class Pen:
    """A screen that answers, a few replies at once; what got no answer is written again under its own id."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._free, self._coming_back = asyncio.Semaphore(AT_ONCE), asyncio.Lock()

    async def write(self, one: Written, into: dict[str, Written]) -> None:
        """Until it is taken or refused."""
        async with self._free:
            for _ in range(TRIES):
                with contextlib.suppress(TimeoutError, *UNREACHABLE):
                    async with self._coming_back:
                        if not self._screen.connected:
                            await self._screen.connect()
                    answer = await self._screen.reply(one.conversation, one.body, one.id)
                    if answer["type"] == "result":
                        into[one.id] = one
                    else:
                        _tell(f"not taken: {answer}")
                    return


class Trial(Struct):
    """What was written to the account under trial, and how long the other's replies took."""

    replies: dict[str, Written]
    control: dict[str, Written]
    healthy: list[float]
    beside: list[float]
    settled_after: float = 0.0


async def show(stage: Stage) -> list[Verdict]:
    """Write, let it settle, and count."""
    company = await stage.demo(processes=1).start()
    if OTHER not in {account["id"] for account in json.loads(company.path.read_bytes())["accounts"]}:
        return [Verdict("replies to a provider that misbehaves", "-", f"there is no account {OTHER}", False)]
    screens = [stage.screen(Screen(company, Agent("", "Ada Osei", company.admin.token))) for _ in range(SCREENS)]
    await asyncio.gather(*(screen.connect() for screen in screens))
    database = await asyncpg.connect(company.database_url)
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
        try:
            trial = await _play(company, [Pen(screen) for screen in screens], Outside(company, http), database)
            rows = {row["id"]: row for row in await database.fetch(OUTCOMES, MAIN)}
            told = [row["body"] for row in await database.fetch(UNKNOWN_TOLD)]
            sent = await Outside(company, http).sent(MAIN)
        finally:
            await database.close()
    return judge(trial, {id_: dict(row) for id_, row in rows.items()}, sent, told)


class Outside:
    """The world outside, by its control addresses."""

    def __init__(self, company: Company, http: httpx2.AsyncClient) -> None:
        self._url = json.loads(company.path.read_bytes())["carrier_url"]
        self._http = http

    async def control(self, verb: str, **wish: object) -> None:
        """Tell it to do something."""
        answer = await self._http.post(f"{self._url}/control/{verb}", json=wish)
        answer.raise_for_status()

    async def sent(self, account: str) -> list[dict[str, str]]:
        """What was taken for an account, oldest first."""
        answer = await self._http.get(f"{self._url}/control/sent", params={"account": account})
        items: list[dict[str, str]] = answer.json()["items"]
        return items


async def _play(company: Company, pens: list[Pen], outside: Outside, database: asyncpg.Connection) -> Trial:
    for number in range(CUSTOMERS):
        await company.inbound(f"+1415{220 + number // 100}{number:04d}", f"question {number}")
    for number in range(OTHER_CUSTOMERS):
        await outside.control("inbound", account=OTHER, **{"from": f"+1628555{number:04d}"}, body=f"question {number}")
    main = [row["id"] for row in await database.fetch(CONVERSATIONS, MAIN)]
    other = [row["id"] for row in await database.fetch(CONVERSATIONS, OTHER)]
    trial = Trial({}, {}, [], [])
    await _phase(pens, outside, (main, other), trial.control, trial.healthy, CONTROL)
    mixture = [{"mode": mode, "share": share, "retry_after": RETRY_AFTER} for mode, share in MIXTURE]
    await outside.control("misbehave", account=MAIN, mixture=mixture)
    began = time.monotonic()
    await _phase(pens, outside, (main, other), trial.replies, trial.beside, REPLIES)
    while (left := await database.fetchval(OPEN, MAIN)) and time.monotonic() - began < SETTLED_WITHIN:
        if time.monotonic() - began > WELL_AGAIN_AFTER:
            await outside.control("misbehave", account=MAIN, mode="none")
        _tell(f"{left} replies open after {time.monotonic() - began:.0f} s")
        await asyncio.sleep(5.0)
    trial.settled_after = time.monotonic() - began
    await outside.control("misbehave", account=MAIN, mode="none")
    await _phase(pens, outside, (main, other), trial.control, trial.healthy, CONTROL)
    return trial


async def _phase(
    pens: list[Pen],
    outside: Outside,
    conversations: tuple[list[str], list[str]],
    into: dict[str, Written],
    waits: list[float],
    count: int,
) -> None:
    """Write to both accounts at a steady pace; how long the other's replies took."""
    began, beside = time.monotonic(), dict[str, Written]()
    others = int(count / PER_SECOND * OTHERS_PER_SECOND)
    async with asyncio.TaskGroup() as group:
        group.create_task(_write(pens[1:], conversations[0], into, count, PER_SECOND))
        group.create_task(_write(pens[:1], conversations[1], beside, others, OTHERS_PER_SECOND))
    await asyncio.sleep(3.0)
    _tell(f"{len(into)} replies acknowledged, the last phase took {time.monotonic() - began:.0f} s")
    taken = {line["body"]: datetime.fromisoformat(line["at"]).timestamp() for line in await outside.sent(OTHER)}
    waits += [taken.get(one.body, float("inf")) - one.at for one in beside.values()]


async def _write(
    pens: list[Pen], conversations: list[str], into: dict[str, Written], count: int, per_second: float
) -> None:
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / per_second - asyncio.get_running_loop().time()))
            identity = str(uuid4())
            one = Written(identity, conversations[number % len(conversations)], f"answer {identity}", time.time())
            group.create_task(pens[number % len(pens)].write(one, into))


def _tell(what: str) -> None:
    sys.stdout.write(f"  {what}\n")
    sys.stdout.flush()


def judge(
    trial: Trial, rows: dict[str, dict[str, object]], sent: list[dict[str, str]], told: list[str]
) -> list[Verdict]:
    """What became of them, by our rows and by what the provider took."""
    replies = trial.replies
    took = Counter(line["body"] for line in sent)
    states = Counter(str(rows[id_]["state"]) for id_ in replies if id_ in rows)
    lost_answers = [id_ for id_, one in replies.items() for line in sent if line["body"] == one.body and _reset(line)]
    shares = ", ".join(f"{share:.0%} {mode}" for mode, share in MIXTURE)
    dose = f"{len(replies)} replies in {CUSTOMERS} conversations; {shares}"
    shown = ", ".join(f"{state} {count}" for state, count in states.most_common())
    attempts = sum(int(str(rows[id_]["attempts"])) for id_ in replies if id_ in rows)
    flagged = {id_ for id_ in lost_answers if any(id_ in body for body in told)}
    before = [id_ for id_ in lost_answers if id_ not in flagged]
    return [
        Verdict("the whole dose was given", dose, f"{len(replies)} acknowledged", len(replies) == REPLIES),
        compare(
            "none is silently lost: taken by the provider, visibly failed, or unknown",
            dose,
            [f"{id_} {rows.get(id_)}" for id_, one in replies.items() if not _is_honest(rows.get(id_), took[one.body])],
            f"{shown}; {attempts} attempts, settled after {trial.settled_after:.0f} s",
        ),
        compare(
            "none twice that is not flagged unknown (Twilio takes no idempotency key)",
            f"{len(lost_answers)} accepted and then reset",
            [id_ for id_, one in replies.items() if took[one.body] > 1 and rows[id_]["state"] != "unknown"],
            f"{sum(count > 1 for count in took.values())} twice",
        ),
        compare(
            "accepted and then reset: shown as unknown, or settled already by the provider's receipt; never resent",
            f"{len(lost_answers)}",
            [id_ for id_ in before if rows[id_]["state"] not in ("sent", "delivered", "read")],
            f"{len(flagged)} shown as unknown, {len(before)} settled by a receipt before that",
        ),
        _in_order(replies, sent),
        _unnoticed(trial),
    ]


def _reset(line: dict[str, str]) -> bool:
    return line.get("whim") == "reset_after_accept"


def _is_honest(row: dict[str, object] | None, taken: int) -> bool:
    if row is None or row["state"] in ("queued", "sending"):
        return False
    if row["state"] == "failed":
        return bool(row["error"]) and taken == 0
    return taken >= 1 or row["state"] == "unknown"


def _in_order(replies: dict[str, Written], sent: list[dict[str, str]]) -> Verdict:
    written: dict[str, list[str]] = defaultdict(list)
    for one in sorted(replies.values(), key=lambda one: one.at):
        written[one.conversation].append(one.body)
    place = {body: number for number, body in reversed(list(enumerate(line["body"] for line in sent)))}
    wrong = [
        conversation
        for conversation, bodies in written.items()
        if (places := [place[body] for body in bodies if body in place]) != sorted(places)
    ]
    return compare("replies of a conversation leave in order", f"{len(written)} conversations", wrong, "all in order")


def _unnoticed(trial: Trial) -> Verdict:
    healthy, beside = (_p99(waits) for waits in (trial.healthy, trial.beside))
    halves = len(trial.healthy) // 2
    first, last = _p99(trial.healthy[:halves]), _p99(trial.healthy[halves:])
    observed = f"p99 {beside * 1000:.0f} ms beside it, {healthy * 1000:.0f} ms otherwise ({beside / healthy:.2f})"
    observed += f"; the healthy halves {first * 1000:.0f} and {last * 1000:.0f} ms"
    dose = f"{len(trial.beside)} replies of {OTHER} beside it, {len(trial.healthy)} before and after"
    return Verdict("another account's p99 is unchanged within 20 %", dose, observed, beside <= healthy * MOST_SLOWER)


def _p99(waits: list[float]) -> float:
    """The median over rounds of the p99."""
    size = max(1, len(waits) // ROUNDS)
    rounds = [sorted(waits[start : start + size]) for start in range(0, size * ROUNDS, size)]
    return median(each[int(len(each) * 0.99)] for each in rounds if each)
