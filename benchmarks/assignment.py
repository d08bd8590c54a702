"""MICRO, in-process: what giving a contact to an agent costs beside a bare SKIP LOCKED statement, and how it grows.

Ours is a round of dispatch in its transaction, as every process runs it, in a database loaded with agents and contacts;
the floor is `floors/assignment.py`. Both commit, with fsync. One operation each in turn, in an order that is shuffled;
what was given is released, and what came to wait is put there, outside the clock.
"""

from __future__ import annotations

import asyncio
import math
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

import asyncpg
from msgspec import Struct

from benchmarks import backlog
from benchmarks.backlog import KINDS, NOBODYS, SERVED, Wait, load
from benchmarks.figures import Report, demand, judge_steadiness
from benchmarks.floors import assignment as floor
from benchmarks.place import execute
from gateway.routing_worker import RoutingWorker
from router.dispatch import BATCH, dispatch
from router.lone import LoneOffers
from store.embedded import EmbeddedPostgres
from store.feeds import transaction
from store.migrate import migrate
from store.pool import Pool, open_pool

LONE, BACKLOG = ">= 0.8", ">= 3"
FEW, MANY = 10, 2_000
SHORT, LONG = 100, 100_000
ELIGIBLE = 0.1
FIRST_UNSERVED = 1_000
USUAL_AGENTS = 200
LEAST_ROUNDS = 40
PAST, PAST_ROUNDS = 10_000, 200
TEMPLATE = "assignment_template"
FLOOR_SQL = Path(__file__).parent / "floors" / "assignment.sql"


class Op(Struct, frozen=True):
    """One operation: its seconds, and how many contacts it gave to agents."""

    seconds: float
    given: int


class Ours:
    """The product's own dispatch."""

    def __init__(self, pool: Pool, connection: asyncpg.Connection[asyncpg.Record], batch: int = BATCH) -> None:
        self._pool, self._connection, self._batch = pool, connection, batch
        self._routing = RoutingWorker(pool, lambda _positions: None)
        self.lone = LoneOffers(pool)

    async def assign(self) -> Op:
        """A contact that was routed alone in one statement, as a worker does; else a round."""
        began = time.perf_counter()
        contact = self._routing.take_lone()
        if contact is not None and await self.lone.offer(contact) is not None:
            return Op(time.perf_counter() - began, 1)
        async with transaction(self._pool, lambda _positions: None) as tx:
            done = await dispatch(tx, self._batch)
        return Op(time.perf_counter() - began, done.offered)

    async def release(self) -> None:
        """Who was offered something takes it and is done with it."""
        await self._connection.execute(backlog.RELEASE)

    async def age(self, past: int) -> None:
        """So many contacts have been, and the planner knows: no statement is planned for empty tables."""
        await self.wait(Wait(past))
        await _close_all(self._connection)

    async def wait(self, wait: Wait) -> None:
        """More contacts wait; a single one has just been routed."""
        if wait.count == 1:
            await self._connection.execute(backlog.ARRIVE)
            await self._routing.route_waiting()
        else:
            await self._connection.execute(backlog.WAIT, wait.first, wait.queues, wait.count)


class Floor:
    """The bare statement, on a connection of its own as ours: one that has just served something else is warm."""

    def __init__(
        self, assigning: asyncpg.Connection[asyncpg.Record], connection: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        self._assigning, self._connection = assigning, connection

    async def assign(self) -> Op:
        """One contact to one agent."""
        began = time.perf_counter()
        row = await self._assigning.fetchrow(floor.ASSIGN)
        return Op(time.perf_counter() - began, int(row is not None))

    async def release(self) -> None:
        """As ours."""
        await self._connection.execute(floor.RELEASE)

    async def age(self, past: int) -> None:
        """As ours."""
        await self.wait(Wait(past))
        await _close_all(self._connection)

    async def wait(self, wait: Wait) -> None:
        """As ours; needs are numbered from one."""
        await self._connection.execute(floor.WAIT, wait.first + 1, wait.queues, wait.count)


Side = Ours | Floor


async def _close_all(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.execute("update contact set state = 'closed' where state = 'queued'")
    await connection.execute("vacuum analyze")


class Server:
    """A database server for all sides, with a migrated template."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url, self._stack = url, stack

    async def ours(self, name: str, agents: int, waits: Sequence[Wait], batch: int = BATCH, kinds: int = KINDS) -> Ours:
        """A company of this size."""
        await execute(self._url, f'create database "{name}" template {TEMPLATE} strategy file_copy')
        url = self._named(name)
        await load(url, agents, waits, kinds)
        pool = await open_pool(url)
        self._stack.push_async_callback(pool.close)
        side = Ours(pool, await self._connect(url), batch)
        self._stack.push_async_callback(side.lone.close)
        return side

    async def floor(self, name: str, agents: int, waits: Sequence[Wait], kinds: int = KINDS) -> Floor:
        """The floor's tables with the same agents and contacts."""
        await execute(self._url, f'create database "{name}"')
        url = self._named(name)
        await execute(url, FLOOR_SQL.read_text())
        connection = await self._connect(url)
        await connection.execute(floor.AGENTS, agents, kinds)
        side = Floor(await self._connect(url), connection)
        for wait in waits:
            await side.wait(wait)
        await execute(url, "vacuum analyze", "checkpoint")
        return side

    def _named(self, name: str) -> str:
        return self._url.rpartition("/")[0] + f"/{name}"

    async def _connect(self, url: str) -> asyncpg.Connection[asyncpg.Record]:
        connection = await asyncpg.connect(url, server_settings={"jit": "off"})
        self._stack.push_async_callback(connection.close)
        return connection


@asynccontextmanager
async def _server() -> AsyncIterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="bench-assignment-"))
    folder.chmod(0o711)  # noqa: ASYNC240  # before anything else runs
    server = EmbeddedPostgres.start(folder)
    try:
        async with AsyncExitStack() as stack:
            url = server.url
            await execute(url, f"create database {TEMPLATE}")
            await migrate(url.rpartition("/")[0] + f"/{TEMPLATE}")
            yield Server(url, stack)
    finally:
        await asyncio.to_thread(server.stop)
        shutil.rmtree(folder, ignore_errors=True)


async def run(seconds: float) -> Report:
    """A lone contact, a backlog, and growth; `seconds` is spent on each operation of each."""
    report = Report("assignment (micro: in-process, one connection each, wall clock)", [], [], [])
    chance = random.Random(1)
    async with _server() as server:
        await _lone(report, server, seconds, chance)
        await _backlog(report, server, seconds, chance)
        await _lone_growth(report, server, seconds, chance)
        await _growth(report, server, seconds, chance)
    report.notes.append("ours and floor in contacts a second, of growth in µs per contact; fsync on")
    return report


async def _lone(report: Report, server: Server, seconds: float, chance: random.Random) -> None:
    """A contact arrives where agents are free who can take it, in companies that have been at work for a while.

    A statement keeps the plan of its first runs until tables are analyzed, which a database does within a minute: with
    the plans for empty tables every side would read all that has ever been.
    """
    ours = await server.ours("lone", FEW, (), kinds=1)
    bare, again = [await server.floor(name, FEW, (), kinds=1) for name in ("lone_floor", "lone_again")]
    sides: list[Side] = [ours, bare, again]
    await _in_turn(sides, 0, chance, wait=1, least=PAST_ROUNDS)
    for side in sides:
        await side.age(PAST)
    costs = await _in_turn(sides, seconds, chance, wait=1)
    judge_steadiness(report, "lone contact", costs[1], costs[2])
    report.rows.append(demand("lone contact", 1 / costs[0], 1 / costs[1], LONE))


async def _lone_growth(report: Report, server: Server, seconds: float, chance: random.Random) -> None:
    """The same where many more agents are free, all of whom could take it."""
    sides: list[Side] = []
    for number, agents in enumerate((FEW, MANY, FEW)):
        sides.append(await server.ours(f"lone_growth_{number}", agents, (), kinds=1))
    await _in_turn(sides, 0, chance, wait=1, least=PAST_ROUNDS)
    for side in sides:
        await side.age(PAST)
    costs = await _in_turn(sides, seconds, chance, wait=1)
    judge_steadiness(report, "lone contact, growth", costs[0], costs[2])
    bound = f"<= {math.log(MANY) / math.log(FEW):.2f}"
    report.rows.append(demand(f"lone contact, {FEW} → {MANY:,} agents", costs[1] * 1e6, costs[0] * 1e6, bound))


async def _backlog(report: Report, server: Server, seconds: float, chance: random.Random) -> None:
    """Agents free up where many wait; also where the first of them can be taken by nobody."""
    for name, waits in (("backlog", [Wait(LONG)]), ("backlog, half for nobody", _half_for_nobody())):
        key = name.replace(", ", "_").replace(" ", "_")
        ours = await server.ours(key, USUAL_AGENTS, waits)
        bare, again = [await server.floor(key + end, USUAL_AGENTS, waits) for end in ("_floor", "_again")]
        costs = await _in_turn([ours, bare, again], seconds, chance, every=USUAL_AGENTS // BATCH)
        judge_steadiness(report, name, costs[1], costs[2])
        report.rows.append(demand(name, 1 / costs[0], 1 / costs[1], BACKLOG))


def _half_for_nobody() -> list[Wait]:
    return [Wait(LONG // 2, NOBODYS, 1), Wait(LONG // 2)]


async def _growth(report: Report, server: Server, seconds: float, chance: random.Random) -> None:
    """From few agents and a short queue to many and a long one: `FEW` contacts a round in all of them."""
    sizes = [(FEW, SHORT), (MANY, SHORT), (FEW, LONG), (MANY, LONG), (FEW, SHORT)]
    sides: list[Side] = []
    for number, (agents, waiting) in enumerate(sizes):
        sides.append(await server.ours(f"growth_{number}", agents, _tenth_eligible(waiting), batch=FEW))
    costs = await _in_turn(sides, seconds, chance, wait=FEW)
    small = costs[0]
    judge_steadiness(report, "growth", small, costs[4])
    of_agents, of_waiting = math.log(MANY) / math.log(FEW), math.log(LONG) / math.log(SHORT)
    for name, cost, bound in (
        (f"growth, {FEW} → {MANY:,} agents", costs[1], of_agents),
        (f"growth, {SHORT} → {LONG:,} waiting", costs[2], of_waiting),
        ("growth, both", costs[3], math.log(MANY * LONG) / math.log(FEW * SHORT)),
    ):
        report.rows.append(demand(name, cost * 1e6, small * 1e6, f"<= {bound:.2f}"))


def _tenth_eligible(waiting: int) -> list[Wait]:
    """The first can be taken by nobody; a tenth of all by somebody, those among the others."""
    eligible = max(FEW, int(waiting * ELIGIBLE))
    first = min(FIRST_UNSERVED, waiting // 2)
    return [Wait(first, NOBODYS, 1), Wait(eligible), Wait(waiting - first - eligible, NOBODYS, 1)]


async def _in_turn(
    sides: Sequence[Side],
    seconds: float,
    chance: random.Random,
    *,
    wait: int = 0,
    every: int = 1,
    least: int = LEAST_ROUNDS,
) -> list[float]:
    """Seconds per contact of each side, the median. `wait`: so many come to wait before each operation; `every`: what
    was given is released after so many operations."""
    costs: list[list[float]] = [[] for _ in sides]
    until = time.monotonic() + seconds * len(sides) * 2
    turn = 0
    while turn < least or time.monotonic() < until:
        turn += 1
        for place in chance.sample(range(len(sides)), len(sides)):
            side = sides[place]
            if wait:
                await side.wait(Wait(wait, queues=min(wait, SERVED)))
            op = await side.assign()
            if not op.given:
                raise RuntimeError(f"{type(side).__name__} gave nothing to anybody")
            costs[place].append(op.seconds / op.given)
            if isinstance(side, Floor) or turn % every == 0:
                await side.release()
    return [median(each) for each in costs]
