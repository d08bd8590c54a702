"""A hub over a real log, for the tests of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from model.event import FeedId, HeldEnded, ReceiptChanged
from model.typing_mark import TypingMark
from pushers.bus.memory import MemoryBus
from pushers.feeds import LogEvent
from pushers.hub import Hub, Pace
from store.feeds import (
    Announce,
    Positions,
    Transaction,
    append_to_agent,
    append_to_customer,
    lock_customer,
    transaction,
)
from store.ids import new_id
from store.pool import Pool

SECONDS = 20.0
NEVER = Pace(check_seconds=3_600, follow_seconds=0.01)
"""A hub that only hears: what reaches it did so by announcement."""


class DeafBus(MemoryBus):
    """A bus that loses everything."""

    def publish(self, positions: Positions) -> None:
        """Lose it."""


class BrokenBus(DeafBus):
    """One that also knows it."""

    healthy = False


class Collected:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.bodies: list[bytes] = []
        self.batches: list[int] = []
        self.was_lost = False
        self.marks: list[TypingMark] = []

    def events(self, feed: FeedId, events: Sequence[LogEvent]) -> None:
        self.seqs += [event.seq for event in events]
        self.bodies += [event.body for event in events]
        self.batches.append(len(events))

    def lost(self, feed: FeedId) -> None:
        self.was_lost = True

    def typing(self, mark: TypingMark) -> None:
        self.marks.append(mark)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not true():  # noqa: ASYNC110  # what is awaited is the state of a database
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(pool: Pool, bus: MemoryBus, pace: Pace = NEVER) -> AsyncIterator[Hub]:
    hub = Hub(pool, bus, new_id(), pace)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()


async def a_customer(pool: Pool) -> FeedId:
    customer = new_id()
    await pool.execute("insert into customer (id, root_id) values ($1, $1)", customer)
    await pool.execute("insert into stream (kind, id) values (1, $1)", customer)
    return FeedId("customer", customer)


async def an_agent(pool: Pool) -> FeedId:
    agent = new_id()
    await pool.execute("insert into agent (id, name, role) values ($1, 'Bo', 'agent')", agent)
    await pool.execute("insert into agent_state (agent_id) values ($1)", agent)
    return FeedId("agent", agent)


def lost_announcement(positions: Positions) -> None:
    """Announced to nobody."""


async def append(tx: Transaction, feed: FeedId, count: int) -> None:
    await lock_customer(tx, feed.id)
    await append_to_customer(tx, feed.id, [ReceiptChanged(new_id(), "sent") for _ in range(count)])


async def happen(pool: Pool, hub: Hub | None, feed: FeedId, count: int = 1) -> None:
    """Commit events; `hub` None: nobody is told."""
    told: Announce = hub.announce if hub else lost_announcement
    async with transaction(pool, told) as tx:
        if feed.kind == "customer":
            await append(tx, feed, count)
        else:
            await append_to_agent(tx, feed.id, [HeldEnded(new_id(), "finished") for _ in range(count)])
