"""The hub over a real log: everything once, in order, without a hole, whatever the bus loses (INV17, INV19, INV20)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import msgspec
import pytest

from model.event import FeedId, HeldEnded, ReceiptChanged
from pushers import feeds
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
from store.pool import Pool, open_pool

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

    def events(self, feed: FeedId, events: Sequence[LogEvent]) -> None:
        self.seqs += [event.seq for event in events]
        self.bodies += [event.body for event in events]
        self.batches.append(len(events))

    def lost(self, feed: FeedId) -> None:
        self.was_lost = True


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not true():  # noqa: ASYNC110  # what is awaited is the state of a database
            await asyncio.sleep(0.005)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url)
    yield pool
    await pool.close()


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


async def test_events_come_in_order_as_they_were_stored(pool: Pool) -> None:
    async with running(pool, MemoryBus()) as hub:
        for feed in (await a_customer(pool), await an_agent(pool)):
            sink = Collected()
            hub.attach(hub.subscribe(feed, sink), 0)
            for _ in range(5):
                await happen(pool, hub, feed, 2)
            await until(lambda sink=sink: len(sink.seqs) == 10)  # type: ignore[misc]
            assert sink.seqs == list(range(1, 11))
            stored = await pool.fetch("select body from event where id = $1 order by seq", feed.id)
            assert sink.bodies == [row["body"].encode() for row in stored]


async def test_what_is_committed_between_snapshot_and_attach_is_delivered(pool: Pool) -> None:
    feed, sink = await a_customer(pool), Collected()
    async with running(pool, MemoryBus()) as hub:
        await happen(pool, hub, feed, 3)
        subscription = hub.subscribe(feed, sink)
        snapshot_seq = await pool.fetchval("select seq from stream where id = $1", feed.id)
        await happen(pool, hub, feed, 2)
        hub.attach(subscription, snapshot_seq)
        await until(lambda: len(sink.seqs) == 2)
        await happen(pool, hub, feed)
        await until(lambda: len(sink.seqs) == 3)
    assert sink.seqs == [4, 5, 6]


async def test_each_subscription_has_its_own_position(pool: Pool) -> None:
    feed, early, late = await a_customer(pool), Collected(), Collected()
    async with running(pool, MemoryBus()) as hub:
        hub.attach(hub.subscribe(feed, early), 0)
        await happen(pool, hub, feed, 4)
        await until(lambda: len(early.seqs) == 4)
        hub.attach(hub.subscribe(feed, late), 2)
        await happen(pool, hub, feed, 1)
        await until(lambda: len(early.seqs) == 5 and len(late.seqs) == 3)
        quiet = hub.subscribe(feed, (dropped := Collected()))
        hub.attach(quiet, 5)
        hub.unsubscribe(quiet)
        hub.unsubscribe(quiet)
        await happen(pool, hub, feed, 1)
        await until(lambda: len(early.seqs) == 6 and len(late.seqs) == 4)
    assert early.seqs == [1, 2, 3, 4, 5, 6]
    assert late.seqs == [3, 4, 5, 6]
    assert dropped.seqs == []


async def test_writers_at_once_leave_neither_gap_nor_repeat_for_any_of_several_followers(pool: Pool) -> None:
    them = [await a_customer(pool) for _ in range(4)]
    sinks = {feed: [Collected(), Collected()] for feed in them}
    async with running(pool, MemoryBus()) as hub:
        for feed in them:
            for sink in sinks[feed]:
                hub.attach(hub.subscribe(feed, sink), 0)

        async def write(nth: int) -> None:
            for step in range(20):
                await happen(pool, hub, them[(nth + step) % 4], 1 + step % 3)

        await asyncio.gather(*(write(nth) for nth in range(6)))
        heads = {feed: await pool.fetchval("select seq from stream where id = $1", feed.id) for feed in them}
        assert sum(heads.values()) == 6 * sum(1 + step % 3 for step in range(20))
        await until(lambda: all(len(sink.seqs) == heads[feed] for feed in them for sink in sinks[feed]))
    assert all(sink.seqs == list(range(1, heads[feed] + 1)) for feed in them for sink in sinks[feed])


async def test_a_subscription_far_behind_is_read_on_in_pages(pool: Pool) -> None:
    feed, sink = await a_customer(pool), Collected()
    async with running(pool, MemoryBus()) as hub:
        subscription = hub.subscribe(feed, sink)
        await happen(pool, hub, feed, 1_000)
        hub.attach(subscription, 0)
        await until(lambda: len(sink.seqs) == 1_000)
    assert sink.seqs == list(range(1, 1_001))
    assert max(sink.batches) <= feeds.PAGE + 1


async def test_a_subscription_whose_next_event_was_rotated_away_is_told_that_it_is_lost(pool: Pool) -> None:
    feed, sink = await a_customer(pool), Collected()
    async with running(pool, MemoryBus()) as hub:
        await happen(pool, hub, feed, 5)
        subscription = hub.subscribe(feed, sink)
        hub.hear({feed: 5})
        await pool.execute("delete from event where seq <= 2")
        hub.attach(subscription, 1)
        await until(lambda: sink.was_lost)
        await happen(pool, hub, feed)
        await hub.resume([(feed, 0)])
    assert sink.seqs == []


async def test_events_are_found_in_whatever_slot_of_the_ring_they_lie(pool: Pool) -> None:
    feed, sink = await a_customer(pool), Collected()
    async with running(pool, MemoryBus()) as hub:
        subscription = hub.subscribe(feed, sink)
        await happen(pool, hub, feed, 40)
        await pool.execute("update event set slot = (seq / 10 % 4)::smallint")
        hub.attach(subscription, 0)
        await until(lambda: len(sink.seqs) == 40)
    assert sink.seqs == list(range(1, 41))


async def test_a_lost_announcement_is_found_by_the_position_check(pool: Pool) -> None:
    customer, agent = await a_customer(pool), await an_agent(pool)
    sinks = {customer: Collected(), agent: Collected()}
    async with running(pool, DeafBus(), Pace(check_seconds=0.05, follow_seconds=0.01)) as hub:
        for feed, sink in sinks.items():
            hub.attach(hub.subscribe(feed, sink), 0)
            await happen(pool, hub, feed, 2)
        await until(lambda: all(len(sink.seqs) == 2 for sink in sinks.values()))


async def test_while_the_bus_is_broken_the_log_is_followed(pool: Pool) -> None:
    feed, sink = await a_customer(pool), Collected()
    async with running(pool, BrokenBus()) as hub:
        hub.attach(hub.subscribe(feed, sink), 0)
        for _ in range(5):
            await happen(pool, None, feed)
        await until(lambda: len(sink.seqs) == 5)
    assert sink.seqs == [1, 2, 3, 4, 5]


async def test_with_a_bus_of_its_own_a_process_follows_the_log_while_another_lives(pool: Pool) -> None:
    feed, sink = await a_customer(pool), Collected()
    await pool.execute("insert into gateway_process (id, expires_at) values ($1, now() + interval '1 hour')", new_id())
    async with running(pool, MemoryBus()) as hub:
        hub.attach(hub.subscribe(feed, sink), 0)
        await happen(pool, None, feed, 2)
        await until(lambda: len(sink.seqs) == 2)


async def test_following_misses_no_transaction_that_began_before_a_look_and_committed_after_it(
    pool: Pool, database_url: str
) -> None:
    slow, fast = await a_customer(pool), await a_customer(pool)
    other = await asyncpg.connect(database_url)
    async with pool.acquire() as connection:
        begun = other.transaction()
        await begun.start()
        await append(Transaction(other), slow, 1)
        nothing, look = await feeds.follow(connection, None)
        await happen(pool, None, fast)
        first, look = await feeds.follow(connection, look)
        await begun.commit()
        second, look = await feeds.follow(connection, look)
        third, look = await feeds.follow(connection, look)
    await other.close()
    assert (nothing, first, second, third) == ({}, {fast: 1}, {slow: 1}, {})


async def test_following_reads_by_the_index_on_transactions(pool: Pool) -> None:
    feed = await a_customer(pool)
    for _ in range(3):
        await happen(pool, None, feed, 1_000)
    await pool.execute("analyze event")
    async with pool.acquire() as connection:
        _, look = await feeds.follow(connection, None)
        news = feeds.NEWS.replace("$1", f"'{look}'")
        plan = "\n".join(row[0] for row in await connection.fetch(f"explain {news}"))
    assert "xid" in plan
    assert "Index" in plan


async def test_the_hub_survives_a_database_that_goes_away(pool: Pool, database_url: str) -> None:
    feed, sink = await a_customer(pool), Collected()
    async with running(pool, MemoryBus(), Pace(check_seconds=0.05, follow_seconds=0.01)) as hub:
        hub.attach(hub.subscribe(feed, sink), 0)
        other = await asyncpg.connect(database_url)
        for count in range(1, 4):
            async with other.transaction():
                await append(Transaction(other), feed, 1)
            await other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
            )
            hub.announce({feed: count})
            await until(lambda count=count: len(sink.seqs) == count)  # type: ignore[misc]
        await other.close()
    assert sink.seqs == [1, 2, 3]


async def test_stopping_leaves_no_task_behind(pool: Pool) -> None:
    feed = await a_customer(pool)
    before = asyncio.all_tasks()
    async with running(pool, MemoryBus()) as hub:
        hub.attach(hub.subscribe(feed, Collected()), 0)
        await happen(pool, hub, feed, 400)
    assert asyncio.all_tasks() == before


async def test_an_announcement_of_what_is_not_there_loses_nothing(pool: Pool) -> None:
    feed, sink = await a_customer(pool), Collected()
    async with running(pool, MemoryBus()) as hub:
        hub.attach(hub.subscribe(feed, sink), 0)
        hub.hear({feed: 1_000_000})
        await happen(pool, hub, feed, 2)
        await until(lambda: bool(sink.was_lost or sink.seqs))
        for _ in range(3):
            await happen(pool, hub, feed, 1)
        await until(lambda: len(sink.seqs) == 5)
    assert not sink.was_lost


async def test_a_page_tells_where_a_screen_may_go_on(pool: Pool) -> None:
    feed = await a_customer(pool)
    await happen(pool, None, feed, 310)
    nobody = FeedId("customer", UUID(int=1))
    wants = [(feed, 310), (feed, 308), (feed, 10), (feed, 9), (feed, 311), (feed, -1), (feed, 2**80), (nobody, 0)]
    async with running(pool, MemoryBus()) as hub:
        epoch, pages = await hub.resume(wants)
        assert epoch == (await hub.resume([]))[0]
    assert [page.complete for page in pages] == [True, True, True, False, False, False, False, False]
    assert [event.seq for event in pages[1].events] == [309, 310]
    assert [page.head for page in pages] == [310] * 7 + [None]


async def test_the_epoch_names_cluster_and_timeline(pool: Pool) -> None:
    async with pool.acquire() as connection:
        system, timeline = (await feeds.fetch_epoch(connection)).split("-")
        row = await connection.fetchrow(
            "select system_identifier::text, timeline_id from pg_control_system(), pg_control_checkpoint()"
        )
    assert (system, int(timeline)) == tuple(row or ())


async def test_the_hub_reads_what_the_database_composed(pool: Pool) -> None:
    agent, sink = await an_agent(pool), Collected()
    async with running(pool, MemoryBus()) as hub:
        hub.attach(hub.subscribe(agent, sink), 0)
        async with transaction(pool, hub.announce) as tx:
            body = await tx.connection.fetchval("select json_build_object('kind', 'x', 'seconds', 1.50)::text")
            await append_to_agent(tx, agent.id, [body])
        await until(lambda: len(sink.seqs) == 1)
    assert msgspec.json.decode(sink.bodies[0]) == {"kind": "x", "seconds": 1.5}
    assert sink.bodies[0] == body.encode()
