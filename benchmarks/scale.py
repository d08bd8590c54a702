"""What ten times the customers cost: the same operations at 100,000 and at 1,000,000 customers with 10,000,000 entries.

Two products of their own, each with its database filled by `loading.py`, and operations in turn, one of each, in an
order shuffled every time. Customers compared have 60 entries each and are drawn from all; one has 100,000, and is
compared with one other, because who is looked at again and again is read from memory. Growth is the ratio of the
medians; the smaller company is its own floor, measured twice.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

import asyncpg
from msgspec import Struct

from benchmarks.accept_to_screen import Agent
from benchmarks.figures import Report, demand, judge_steadiness
from benchmarks.loading import SETTINGS, is_loaded, load
from benchmarks.place import Place, count, execute, place
from benchmarks.population import USUAL_EVERY, Size, phone_of, uuid_of
from benchmarks.queries import measure_search
from benchmarks.sockets import Socket, dial

CUSTOMERS = 1_000_000
TENTH = 10
TURNS = 300
WARM = 30
FRAMES = 30
SMALL, AGAIN, LARGE, LONGEST = "small", "small, again", "large", "100,000 entries"
PROFILE = b'{"type":"profile"'
LOOK_UP = """
select h.id, h.customer_id, c.root_id from handle h join customer c on c.id = h.customer_id
 where h.kind = 'phone' and h.scope = '' and h.value = $1
"""


class Options(Struct):
    """Of the command line."""

    customers: int = CUSTOMERS
    keep: Path | None = None
    """A folder for both companies, which are loaded the first time only: measuring leaves more messages in them."""


OPTIONS = Options()


class Opener:
    """A screen that opens profiles, made anew before its frames run out."""

    def __init__(self, here: Place) -> None:
        self._company = here.company
        self._socket: Socket | None = None
        self._frames = 0

    async def open(self, customer: str) -> float:
        """Open a profile nobody follows: seconds until it is there."""
        if self._socket is None or self._frames < 3:
            if self._socket is not None:
                self._socket.close()
            url = self._company.urls[0].replace("http", "ws", 1) + "/v1/screen"
            self._socket = await dial(url, self._company.agents[1].token)
            await self._socket.ask(b'{"type":"hello"}', b'{"type":"welcome"')
            self._frames = FRAMES
        seconds, _ = await self._socket.ask(b'{"type":"open","customer":"%s"}' % customer.encode(), PROFILE)
        self._socket.send(b'{"type":"leave","customer":"%s"}' % customer.encode())
        self._frames -= 2
        return seconds


class Side(Struct):
    """One company under measurement."""

    name: str
    place: Place
    customers: int
    agent: Agent
    opener: Opener
    connection: asyncpg.Connection[asyncpg.Record]

    def usual(self, rng: random.Random) -> int:
        """One of the customers compared."""
        return rng.randrange(1, self.customers // USUAL_EVERY) * USUAL_EVERY

    async def look_up(self, rng: random.Random) -> float:
        """The statement that finds whose number it is; in process, not the product's own."""
        began = time.perf_counter()
        await self.connection.fetch(LOOK_UP, phone_of(rng.randrange(self.customers)))
        return time.perf_counter() - began

    async def webhook(self, rng: random.Random) -> float:
        """A signed message of a known number, to 2xx."""
        began = time.perf_counter()
        answer = await self.place.company.inbound(phone_of(rng.randrange(1, self.customers)), "where is it?")
        if answer.status != 200:
            raise RuntimeError(f"the message was answered {answer.status}")
        return time.perf_counter() - began

    async def accept(self, rng: random.Random) -> float:
        """Accept → profile, prefetched."""
        return await self.agent.accept(phone_of(self.usual(rng)), "where is it?")

    async def open(self, rng: random.Random) -> float:
        """A profile opened from a search."""
        return await self.opener.open(uuid_of(1, self.usual(rng)))


async def run(here: Place, seconds: float) -> Report:
    """Load both, or take what is loaded, then measure in turn; searches are made at the larger one."""
    rng = random.Random(1)
    report = Report("scale", [], await here.circumstances(), [])
    async with AsyncExitStack() as stack:
        small = await _side(report, SMALL, here, OPTIONS.customers // TENTH, stack)
        large = await _side(report, LARGE, here, OPTIONS.customers, stack)
        await measure_search(report, large.place.company, large.connection, rng)
        await _growth(report, "identity look-up, the statement (micro)", "<= 1.3", [small, large], Side.look_up, rng)
        await _growth(report, "open a profile, cold", "<= 1.4", [small, large], Side.open, rng)
        await _longest(report, small, large, rng)
        await _growth(report, "accept → profile, prefetched", "<= 1.15", [small, large], Side.accept, rng)
        await _growth(report, "webhook → 2xx, with the look-up", "<= 1.3", [small, large], Side.webhook, rng)
        for side in (small, large):
            await side.connection.close()
    report.notes.append(f"load average of the last 15 minutes: {os.getloadavg()[2]:.1f}")
    return report


async def _side(report: Report, name: str, here: Place, customers: int, stack: AsyncExitStack) -> Side:
    side = here
    if OPTIONS.keep is not None:
        side = await stack.enter_async_context(place(OPTIONS.keep / name))
    elif name != SMALL:
        side = await stack.enter_async_context(place())
    url = side.company.database_url
    if await is_loaded(url, customers):
        await execute(url, NOBODY)
        loaded = "loaded before"
    else:
        seconds = await load(side.company, Size(customers))
        loaded = f"loaded in {seconds:.0f} s, meanwhile with {', '.join(map(' '.join, SETTINGS.items()))}"
    connection = await asyncpg.connect(url)
    entries = await count(url, "select count(*) from entry")
    size = await connection.fetchval("select pg_size_pretty(pg_database_size(current_database()))")
    report.notes.append(f"{name}: {customers} customers, {entries} entries, {size}, {loaded}")
    return Side(name, side, customers, Agent(side.company), Opener(side), connection)


# Nothing waits of an earlier measurement, and nobody is there.
NOBODY = """
update contact set state = 'closed', unrouted = false, agent_id = null, due_at = null where state <> 'closed';
update conversation set status = 'closed', closed_at = opened_at where status <> 'closed';
delete from seen_at_accept;
delete from offer;
update agent_state set used_voice = 0, used_messaging = 0, used_mail = 0;
"""
Operation = Callable[[Side, random.Random], Awaitable[float]]


async def _growth(
    report: Report, measure: str, must: str, sides: list[Side], operation: Operation, rng: random.Random
) -> None:
    small, large = sides
    took = await _in_turn({SMALL: small, AGAIN: small, LARGE: large}, {}, operation, rng)
    report.rows.append(demand(f"{measure}, p50 µs", took[LARGE], took[SMALL], must))
    judge_steadiness(report, measure, took[SMALL], took[AGAIN])


async def _in_turn(
    sides: dict[str, Side], others: dict[str, Operation], operation: Operation, rng: random.Random
) -> dict[str, float]:
    """The median of each, in µs."""
    took: dict[str, list[float]] = defaultdict(list)
    for turn in range(-WARM, TURNS):
        for name in rng.sample(list(sides), len(sides)):
            await asyncio.sleep(0.005)
            seconds = await others.get(name, operation)(sides[name], rng)
            if turn >= 0:
                took[name].append(seconds * 1e6)
    return {name: median(values) for name, values in took.items()}


async def _longest(report: Report, small: Side, large: Side, rng: random.Random) -> None:
    for side in (small, large):
        other = side.usual(rng)

        async def open_longest(side: Side, rng: random.Random) -> float:
            return await side.opener.open(uuid_of(1, 0))

        async def open_other(side: Side, rng: random.Random, other: int = other) -> float:
            return await side.opener.open(uuid_of(1, other))

        measure = f"open 100,000 entries, {side.name}"
        took = await _in_turn({SMALL: side, AGAIN: side, LONGEST: side}, {LONGEST: open_longest}, open_other, rng)
        report.rows.append(demand(f"{measure}, to a usual customer, p50 µs", took[LONGEST], took[SMALL], "<= 1.2"))
        judge_steadiness(report, measure, took[SMALL], took[AGAIN])
