"""Reads of the log: pages, what became visible, the epoch (INV17, INV20)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import msgspec
import pytest

from model.event import FeedId
from pushers import feeds
from pushers.bus.memory import MemoryBus
from store.feeds import Transaction, append_to_agent, transaction
from store.pool import Pool, open_pool
from tests.store.hub_world import (
    Collected,
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


async def test_events_are_found_in_whatever_slot_of_the_ring_they_lie(pool: Pool) -> None:
    feed, sink = await a_customer(pool), Collected()
    async with running(pool, MemoryBus()) as hub:
        subscription = hub.subscribe(feed, sink)
        await happen(pool, hub, feed, 40)
        await pool.execute("update event set slot = (seq / 10 % 4)::smallint")
        hub.attach(subscription, 0)
        await until(lambda: len(sink.seqs) == 40)
    assert sink.seqs == list(range(1, 41))


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
