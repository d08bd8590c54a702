"""Record in batches: what queued while the last commit ran goes into the next one, at once and together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from uuid import UUID

import asyncpg
import structlog

from profiles.record import Delivery, Recorded, record
from store.feeds import Announce
from store.pool import Pool

BATCH = 256
FLIGHTS = 2
"""Batches under way at once: one is computed while the other waits for the disk."""
ATTEMPTS = 8
BUSY = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
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

    async def submit(self, delivery: Delivery) -> None:
        """Record. Raises Overloaded, Poison, or what the database raised when it could not be reached."""
        if len(self._waiting) >= self._limit:
            raise Overloaded
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, done))
        if len(self._flights) < FLIGHTS:
            self._flights.add(asyncio.create_task(self._flush()))
        await done

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
        try:
            recorded = await self._record([delivery for delivery, _ in batch])
        except POISON as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._settle(batch[:middle])
                await self._settle(batch[middle:])
                return
            _answer(batch, Poison(f"{type(error).__name__}: {getattr(error, 'constraint_name', None) or 'refused'}"))
        except Exception as error:  # the waiting webhooks get it, and answer 503
            log.warning("record_failed", error=type(error).__name__, waiting=len(batch))
            _answer(batch, error)
        else:
            _answer(batch, None)
            self._announce(recorded.positions)
            if recorded.to_route:
                self._on_contacts(recorded.to_route)

    async def _record(self, deliveries: list[Delivery]) -> Recorded:
        for attempt in range(ATTEMPTS):
            try:
                async with self._pool.acquire() as connection:
                    return await record(connection, deliveries)
            except BUSY:
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.01 * 2**attempt)
        raise AssertionError("unreachable")


def _answer(batch: list[tuple[Delivery, list[asyncio.Future[None]]]], error: Exception | None) -> None:
    for _, waiting in batch:
        for done in waiting:
            if done.done():  # the webhook's deadline passed; the provider will come again
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
