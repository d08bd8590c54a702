"""Record in batches: what queued while the last commit ran goes into the next one, at once and together.

What says more of who the customer is than one handle stands apart: each in a transaction of its own, a few at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

import asyncpg
import structlog

from model.inbound import InboundMessage
from profiles.apart import record_apart
from profiles.changes import Name, apply_changes, early_of
from profiles.echo import TooEarly
from profiles.record import Delivery, Recorded, record
from store.feeds import Announce, Transaction, transaction
from store.pool import Connection, Pool

BATCH = 256
FLIGHTS = 2
"""Batches under way at once: one is computed while the other waits for the disk."""
APART = 4
"""Deliveries recorded at once that stand apart: bounded, so that they leave connections to the batches."""
VISITORS_FILES = 2
"""Files of visitors of the chat recorded at once: large, and from anybody, so that they wait only for one another."""
ATTEMPTS = 8
BUSY = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, TooEarly)
# What a single event can be guilty of; anything else is our own failure and says nothing about the event.
POISON = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,  # a value too long for an index
    UnicodeEncodeError,
    ValueError,
)

log = structlog.get_logger()


class Overloaded(Exception):
    """More is waiting than can be recorded in time."""


class Poison(Exception):
    """PostgreSQL refuses this one event, alone as in company; the message says why, without its content."""


class Recorder:
    """Few batches at a time; `submit` returns when the delivery is committed, by us or earlier by anyone."""

    def __init__(
        self, pool: Pool, announce: Announce, on_contacts: Callable[[tuple[UUID, ...]], None], limit: int
    ) -> None:
        self._pool = pool
        self._announce = announce
        self._on_contacts = on_contacts
        self._limit = limit
        self._waiting: deque[tuple[Delivery, asyncio.Future[None]]] = deque()
        self._flights: set[asyncio.Task[None]] = set()
        self._apart: set[asyncio.Task[None]] = set()
        self._queued = 0
        self._few = asyncio.Semaphore(APART)
        self._few_files = asyncio.Semaphore(VISITORS_FILES)

    async def submit(self, delivery: Delivery) -> None:
        """Record. Raises Overloaded, Poison, or what the database raised when it could not be reached."""
        if len(self._waiting) + self._queued + len(self._apart) >= self._limit:
            raise Overloaded
        if delivery.stands_apart:
            await self._submit_apart(delivery)
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, done))
        if len(self._flights) < FLIGHTS:
            self._flights.add(asyncio.create_task(self._flush()))
        await done

    async def _submit_apart(self, delivery: Delivery) -> None:
        few = self._few_files if _is_visitors_file(delivery) else self._few
        self._queued += 1
        try:
            await few.acquire()  # a webhook whose time is over before its turn leaves nothing behind
        finally:
            self._queued -= 1
        task = asyncio.create_task(self._settle_apart(delivery))
        self._apart.add(task)
        task.add_done_callback(partial(self._settled_apart, few))
        await asyncio.shield(task)  # a webhook whose time is over leaves it: what is committed must be announced

    def _settled_apart(self, few: asyncio.Semaphore, task: asyncio.Task[None]) -> None:
        few.release()
        self._apart.discard(task)

    async def _settle_apart(self, delivery: Delivery) -> None:
        async def alone(connection: Connection) -> Recorded:
            async with connection.transaction():
                return await record_apart(Transaction(connection), delivery)

        try:
            recorded = await self._again(alone)
        except POISON as error:
            raise poison_of(error) from error
        except Exception as error:  # the waiting webhook gets it, and answers 503
            log.warning("record_failed", error=type(error).__name__, waiting=1)
            raise
        self._tell(recorded)
        await self._catch_up([delivery])

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch: dict[tuple[str, str], tuple[Delivery, list[asyncio.Future[None]]]] = {}
                while self._waiting and len(batch) < BATCH:
                    delivery, done = self._waiting.popleft()
                    batch.setdefault(delivery.identity, (delivery, []))[1].append(done)
                await self._settle(list(batch.values()))
        finally:
            # At once, not by a callback of the task: what is submitted in between would see a flight and wait for ever.
            self._flights -= {flight for flight in self._flights if flight is asyncio.current_task()}

    async def _settle(self, batch: list[tuple[Delivery, list[asyncio.Future[None]]]]) -> None:
        """Record the batch and answer for it; where one event is poison, halves are tried until it stands alone."""
        deliveries = [delivery for delivery, _ in batch]
        try:
            recorded = await self._again(lambda connection: record(connection, deliveries))
        except POISON as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._settle(batch[:middle])
                await self._settle(batch[middle:])
                return
            _answer(batch, poison_of(error))
        except Exception as error:  # the waiting webhooks get it, and answer 503
            log.warning("record_failed", error=type(error).__name__, waiting=len(batch))
            _answer(batch, error)
        else:
            self._tell(recorded)
            await self._catch_up(deliveries)
            _answer(batch, None)

    def _tell(self, recorded: Recorded) -> None:
        self._announce(recorded.positions)
        if recorded.to_route:
            self._on_contacts(recorded.to_route)

    async def _catch_up(self, deliveries: list[Delivery]) -> None:
        """Apply changes that came before these messages, or crossed them. What fails is left to the sweep."""
        names = [name for delivery in deliveries if (name := delivery.name or delivery.target) is not None]
        if not names:
            return
        try:
            async with self._pool.acquire() as connection:
                early = await early_of(connection, names)
            await apply_early(self._pool, self._announce, early)
        except Exception as error:  # the messages are committed, whatever becomes of this
            log.warning("early_changes_left", error=type(error).__name__, names=len(names))

    async def _again(self, attempt_on: Callable[[Connection], Awaitable[Recorded]]) -> Recorded:
        """Record, and once more when a merge or a deadlock came between."""
        for attempt in range(ATTEMPTS):
            try:
                async with self._pool.acquire() as connection:
                    return await attempt_on(connection)
            except BUSY:
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.01 * 2**attempt)
        raise AssertionError("unreachable")


async def apply_early(pool: Pool, announce: Announce, names: list[Name]) -> None:
    """Apply changes that wait for these messages, each in a transaction of its own."""
    for name in names:
        async with transaction(pool, announce) as tx:
            await apply_changes(tx, name)


def _is_visitors_file(delivery: Delivery) -> bool:
    message = delivery.message
    return delivery.channel == "chat" and isinstance(message, InboundMessage) and bool(message.files)


def poison_of(error: Exception) -> Poison:
    """The same without the content that the database's words may hold."""
    return Poison(f"{type(error).__name__}: {getattr(error, 'constraint_name', None) or 'refused'}")


def _answer(batch: list[tuple[Delivery, list[asyncio.Future[None]]]], error: Exception | None) -> None:
    for _, waiting in batch:
        for done in waiting:
            if done.done():  # the webhook's deadline passed; the provider will come again
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
