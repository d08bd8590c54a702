"""The pool: every kind of waiting ends (F5: a stopped or cut-off server)."""

from __future__ import annotations

import asyncio
import time

import asyncpg
import pytest

from store.pool import Pool, open_pool, transaction


async def test_waiting_for_a_free_connection_ends_after_two_seconds(database_url: str) -> None:
    pool = await open_pool(database_url, size=1)
    async with pool.acquire():
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await pool.fetchval("SELECT 1")
        assert 1.9 < time.monotonic() - began < 30
    await pool.close()


async def test_the_limits_are_set_at_connect(database_url: str) -> None:
    wanted = {
        "application_name": "screenpop",
        "statement_timeout": "5s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "10s",
        "jit": "off",
    }
    pool = await open_pool(database_url)
    async with transaction(pool) as connection:
        assert {name: await connection.fetchval("SELECT current_setting($1)", name) for name in wanted} == wanted
    await pool.close()


async def test_a_transaction_is_kept_at_the_end_of_its_block_and_undone_by_an_error(database_url: str) -> None:
    pool = await open_pool(database_url)
    await pool.execute("CREATE TABLE kept (x int)")
    async with transaction(pool) as connection:
        await connection.execute("INSERT INTO kept VALUES (1)")
    with pytest.raises(ZeroDivisionError):
        async with transaction(pool) as connection:
            await connection.execute("INSERT INTO kept VALUES (2)")
            raise ZeroDivisionError
    assert await pool.fetchval("SELECT array_agg(x) FROM kept") == [1]
    await pool.close()


async def test_a_released_connection_costs_no_round_trip_and_keeps_no_open_transaction(database_url: str) -> None:
    pool = await open_pool(database_url, size=1)
    async with pool.acquire() as connection:
        assert connection.get_reset_query() == ""
        first = await connection.fetchval("SELECT pg_backend_pid()")
    task = asyncio.create_task(cancelled_inside(pool))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with pool.acquire() as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval("SELECT pg_backend_pid()") == first
    await pool.close()


async def cancelled_inside(pool: Pool) -> None:
    async with transaction(pool):
        await asyncio.sleep(60)


async def test_a_wrong_url_shows_when_the_pool_opens(database_url: str) -> None:
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await open_pool(f"{database_url}_missing")
