"""The hub over a real log: everything once, in order, without a hole, whatever the bus loses (INV17, INV19, INV20)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from model.event import FeedId
from pushers import feeds
from pushers.bus.memory import MemoryBus
from pushers.hub import Pace
from store.feeds import Transaction
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.hub_world import (
    BrokenBus,
    Collected,
    DeafBus,
    a_customer,
    an_agent,
    append,
    happen,
    running,
    until,
)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url)
    yield pool
    await pool.close()


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


async def test_an_announced_feed_that_does_not_exist_is_lost_and_not_asked_for_again(pool: Pool) -> None:
    nobody, sink = FeedId("customer", new_id()), Collected()
    async with running(pool, MemoryBus()) as hub:
        hub.attach(hub.subscribe(nobody, sink), 0)
        hub.hear({nobody: 3})
        await until(lambda: sink.was_lost and not hub.behind)


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


async def test_what_was_committed_before_the_bus_could_be_heard_again_is_found(pool: Pool) -> None:
    feed, sink, bus = await a_customer(pool), Collected(), BrokenBus()
    async with running(pool, bus, Pace(check_seconds=3_600, follow_seconds=0.5)) as hub:
        hub.attach(hub.subscribe(feed, sink), 0)
        await happen(pool, None, feed)
        await until(lambda: len(sink.seqs) == 1)
        await happen(pool, None, feed)
        bus.healthy = True
        await until(lambda: len(sink.seqs) == 2)


async def test_with_a_bus_of_its_own_a_process_follows_the_log_while_another_lives(pool: Pool) -> None:
    feed, sink = await a_customer(pool), Collected()
    await pool.execute("insert into gateway_process (id, expires_at) values ($1, now() + interval '1 hour')", new_id())
    async with running(pool, MemoryBus()) as hub:
        hub.attach(hub.subscribe(feed, sink), 0)
        await happen(pool, None, feed, 2)
        await until(lambda: len(sink.seqs) == 2)


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
        await until(lambda: not hub.behind)  # it does not look for it for ever
        await happen(pool, hub, feed, 2)
        await until(lambda: len(sink.seqs) == 2 and not hub.behind)
        for _ in range(3):
            await happen(pool, hub, feed, 1)
        await until(lambda: len(sink.seqs) == 5)
    assert not sink.was_lost
