"""Two transactions, statement by statement: each connection is held before every statement.

A schedule lets one side make so many steps, then the other as many as it can, then each to its end;
`pg_blocking_pids` says who waits for a lock, not time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

from gateway.profile_facts import profile_facts
from model.agent import Actor
from model.inbound import HandleRef, InboundMessage
from model.refusal import Refused
from profiles.record import Delivery, record
from router.accept import accept_offer
from router.dispatch import dispatch
from router.presence import connect_screen
from router.rank import Pair
from router.routing import fetch_rules, route
from store.feeds import Transaction
from store.ids import new_id
from store.pool import Connection
from tests.store.company import Company
from tests.store.footprints import Footprints
from tests.store.invariants import empty, violations

PHONE, OTHER_PHONE = "+14155550100", "+14155550101"
BOUND_SECONDS = 10.0
MOST_STEPS = 40

Work = Callable[[Transaction], Awaitable[object]]


class _Inner:
    """A transaction that the product opens on a side's connection, within the one that is played or alone: in turn."""

    def __init__(self, side: Side, *, nested: bool) -> None:
        self._side, self._nested = side, nested

    async def start(self) -> None:
        """As asyncpg's."""
        await self._side.execute("savepoint inner_one" if self._nested else "begin")

    async def commit(self) -> None:
        """As asyncpg's."""
        await self._side.execute("release savepoint inner_one" if self._nested else "commit")

    async def rollback(self) -> None:
        """As asyncpg's."""
        await self._side.execute("rollback to savepoint inner_one" if self._nested else "rollback")

    async def __aenter__(self) -> None:
        await self.start()

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            await self.commit()
        else:  # at once: whoever was cancelled gets no turn any more
            await self._side.connection.execute("rollback to savepoint inner_one" if self._nested else "rollback")


class Side:
    """One connection whose every statement waits for its turn. Offers what the product calls on a connection."""

    def __init__(self, connection: Connection, work: Work, *, whole: bool, prints: Footprints | None = None) -> None:
        self.connection, self.prints = connection, prints
        self.next = ""
        self.pid = connection.get_server_pid()
        self._turns = asyncio.Semaphore(0)
        self._ready = asyncio.Event()
        self._running = False
        self._whole = whole
        self.task = asyncio.create_task(self._run(work, whole))

    async def _run(self, work: Work, whole: bool) -> object:
        tx = Transaction(cast(Connection, self))
        if whole:  # a statement that is its own transaction
            return await work(tx)
        await self.execute("begin")
        try:
            done = await work(tx)
            await self.execute("commit")
        except BaseException:  # cancelled or failed: as a transaction of the product ends
            await self.connection.execute("rollback")
            raise
        return done

    async def turn(self) -> None:
        """Wait for it."""
        self._ready.set()
        await self._turns.acquire()

    async def execute(self, sql: str, *given: Any) -> Any:
        """As asyncpg's, in turn."""
        return await self._in_turn(self.connection.execute, sql, *given)

    async def fetch(self, sql: str, *given: Any) -> Any:
        """As asyncpg's, in turn."""
        return await self._in_turn(self.connection.fetch, sql, *given)

    async def fetchrow(self, sql: str, *given: Any) -> Any:
        """As asyncpg's, in turn."""
        return await self._in_turn(self.connection.fetchrow, sql, *given)

    async def fetchval(self, sql: str, *given: Any) -> Any:
        """As asyncpg's, in turn."""
        return await self._in_turn(self.connection.fetchval, sql, *given)

    async def _in_turn(self, method: Callable[..., Awaitable[Any]], sql: str, *given: Any) -> Any:
        self.next = sql
        await self.turn()
        done = await method(sql, *given)
        if self.prints is not None:
            await self.prints.note(self.connection, sql)
        return done

    def transaction(self) -> _Inner:
        """As asyncpg's, in turn."""
        return _Inner(self, nested=not self._whole)

    async def step(self, watch: Connection) -> bool:
        """Let it run its next statement, or go on with the last; False when it waits for a lock or has ended."""
        if not self._running and not self.task.done():
            await self._ready.wait()
        if self._ready.is_set():
            self._ready.clear()
            self._running = True
            self._turns.release()
        return await self.rest(watch) and not self.task.done()

    async def rest(self, watch: Connection) -> bool:
        """Let the statement that runs come to its end; False when it waits for a lock."""
        async with asyncio.timeout(BOUND_SECONDS):
            while not self.task.done() and not self._ready.is_set():
                if await watch.fetchval("select cardinality(pg_blocking_pids($1)) > 0", self.pid):
                    return False
        self._running = False
        return True


@asynccontextmanager
async def sides(
    company: Company, first: Work, second: Work, whole: str, *, noted: bool = False
) -> AsyncIterator[tuple[Side, Side, Connection]]:
    """The two sides, at rest before their first statement, and a connection that watches them."""
    async with company.pool.acquire() as a, company.pool.acquire() as b, company.pool.acquire() as watch:
        pair = (
            Side(a, first, whole="a" in whole, prints=Footprints() if noted and "a" not in whole else None),
            Side(b, second, whole="b" in whole, prints=Footprints() if noted and "b" not in whole else None),
        )
        try:
            yield (*pair, watch)
        finally:
            for side in pair:
                side.task.cancel()
            await asyncio.gather(*(side.task for side in pair), return_exceptions=True)


async def interleave(
    company: Company, first: Work, second: Work, *, steps: int, whole: str = ""
) -> tuple[object, object, bool]:
    """Let `first` make `steps` statements, then `second` all it can, then both to their end. Both outcomes, and whether
    `first` had ended before its steps were used up: more steps would be the same schedule."""
    async with sides(company, first, second, whole) as (a, b, watch):
        for _ in range(steps):
            if not await a.step(watch):
                break
        spent = a.task.done()
        async with asyncio.timeout(BOUND_SECONDS):
            while await b.step(watch):
                continue
            while not (a.task.done() and b.task.done()):
                await a.step(watch)
                await b.step(watch)
        return a.task.result(), b.task.result(), spent


Prepare = Callable[[Company], Awaitable[tuple[Work, Work]]]
Legal = Callable[[Company, object, object], Awaitable[None]]


async def try_all(company: Company, prepare: Prepare, legal: Legal, whole: str = "", lowered: bool = False) -> int:
    """Every schedule of one interruption, either side first; after each, invariants and the pair's own law."""
    schedules = 0
    for swapped in (False, True):
        for steps in range(MOST_STEPS):
            await empty(company)
            works = await prepare(company)
            first, second = reversed(works) if swapped else works
            flags = whole.translate(str.maketrans("ab", "ba")) if swapped else whole
            one, two, spent = await interleave(company, first, second, steps=steps, whole=flags)
            outcomes = (two, one) if swapped else (one, two)
            where = f"{'second' if swapped else 'first'} side first, {steps} steps: {outcomes}"
            async with company.pool.acquire() as connection:
                agents = [row[0] for row in await connection.fetch("select id from agent")] if lowered else []
                wrong = await violations(connection, agents)
            assert not wrong, f"{where}: {wrong}"
            try:
                await legal(company, *outcomes)
            except AssertionError as error:
                raise AssertionError(f"{where}: {error}") from error
            schedules += 1
            if spent:
                break
    return schedules


async def ringing(company: Company) -> tuple[Actor, UUID, UUID, UUID]:
    """An agent to whom a text rings: the agent, the offer, the contact, the conversation."""
    ines = await company.hire()
    await company.seat(ines)
    await company.text(PHONE)
    await company.drain()
    row = (await company.rows("select o.id, c.id as contact, c.conversation_id from offer o join contact c on true"))[0]
    return ines, row["id"], row["contact"], row["conversation_id"]


async def held(company: Company, *, answered: bool = False) -> tuple[Actor, UUID, UUID]:
    """An agent who holds a text: the agent, the contact, the conversation. `answered`: and it is due to be parked."""
    ines, _, contact, conversation = await ringing(company)
    await company.take(ines)
    if answered:
        await company.value(
            "update contact set preview_direction = 'out', due_at = clock_timestamp() - interval '1 ms' returning id"
        )
    return ines, contact, conversation


def boss() -> Actor:
    return Actor(new_id(), "Ada", "supervisor")


def accepting(offer: UUID, agent: Actor) -> Work:
    return lambda tx: accept_offer(tx.connection, offer, agent)


def writing(phone: str = PHONE) -> Work:
    message = InboundMessage(f"SM-{new_id()}", HandleRef("phone", phone), "one more thing")
    return lambda tx: record(tx.connection, [Delivery("sms-main", "sms", message, None, "", None, b"")])


def code(outcome: object) -> str | None:
    return outcome.code if isinstance(outcome, Refused) else None


async def in_transaction(company: Company, work: Work) -> object:
    async with company.pool.acquire() as connection, connection.transaction():
        return await work(Transaction(connection))


async def connecting(tx: Transaction, agent: Actor, screen: UUID, process: UUID) -> str:
    """Connect a screen; a process that is already buried is told so."""
    try:
        await connect_screen(tx, agent.id, screen, process)
    except Exception as error:
        await tx.connection.execute("rollback")
        return type(error).__name__
    return "connected"


async def paired_outright(company: Company) -> Pair:
    """What a dispatch would give to an agent outright, before it does."""
    async with company.pool.acquire() as connection, connection.transaction():
        await route(connection, await fetch_rules(connection), profile_facts)
    async with company.pool.acquire() as connection, connection.transaction():
        return (await dispatch(Transaction(connection))).outright[0]
