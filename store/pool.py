"""The connections of one process to PostgreSQL: few, and with a limit on every kind of waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

ACQUIRE_SECONDS = 2.0
CONNECT_SECONDS = 5.0
# Above the server's own limit on a statement: for a server that is stopped or cut off and enforces nothing.
COMMAND_SECONDS = 7.0
# Characters. The snapshot's statement is longer than asyncpg keeps prepared by itself; planned anew each time it would
# take twenty times as long.
LONGEST_CACHED_STATEMENT = 64 * 1024
SERVER_SETTINGS = {
    "application_name": "screenpop",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "2s",
    # Our statements are small: compiling one takes longer than running it.
    "jit": "off",
}


class PooledConnection(asyncpg.Connection):
    """A connection that costs no round trip when it returns to the pool.

    Nothing is to be reset: nobody here uses session settings, session locks or LISTEN on a pooled connection.
    """

    def get_reset_query(self) -> str:
        """Nothing to run on release."""
        return ""


CONNECTION: Final[dict[str, Any]] = {
    "connection_class": PooledConnection,
    "server_settings": SERVER_SETTINGS,
    "timeout": CONNECT_SECONDS,
    "command_timeout": COMMAND_SECONDS,
    "max_cacheable_statement_size": LONGEST_CACHED_STATEMENT,
}


class Pool(asyncpg.Pool):
    """An asyncpg pool in which waiting for a free connection has a limit by default."""

    url: str

    async def connect_apart(self) -> asyncpg.Connection[asyncpg.Record]:
        """A connection like those of the pool, but not one of them: for who keeps it, and closes it."""
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(self.url, **CONNECTION)
        return connection

    def acquire(self, *, timeout: float | None = ACQUIRE_SECONDS) -> PoolAcquireContext:
        """A connection as in asyncpg; `TimeoutError` when none is free for `timeout` seconds."""
        return super().acquire(timeout=timeout)


async def open_pool(url: str, *, size: int = 10) -> Pool:
    """Connect to the database at `url` with up to `size` connections; close the pool with `await pool.close()`.

    The limits are set at connect, so behind pgbouncer they have to be among its `ignore_startup_parameters`, and set on
    the role instead. Raises what asyncpg raises when the database cannot be reached (`OSError`, `PostgresError`).
    """
    pool = Pool(
        url,
        min_size=0,
        max_size=size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        loop=None,
        record_class=asyncpg.Record,
        **CONNECTION,
    )
    pool.url = url
    await pool
    # The floor is only raised by need, yet a wrong URL must show here and not at the first request.
    try:
        async with pool.acquire(timeout=CONNECT_SECONDS):
            pass
    except BaseException:  # cancelled or failed: no connection is left open
        await pool.close()
        raise
    return pool


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A connection inside a transaction: committed at the end of the block, rolled back when it raises.

    Raises `TimeoutError` when no connection is free within 2 s.
    """
    async with pool.acquire() as connection, connection.transaction():
        yield connection
