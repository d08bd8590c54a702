"""Two connections in a fixed order: keep a transaction open, and wait until another one waits for it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.recorder import Recorder
from model.inbound import HandleRef, InboundMessage
from profiles.record import Delivery
from store.pool import Connection, Pool
from tests.store.company import Company

SECONDS = 20.0
PHONE = "+14155550100"
OTHER = "+14155550101"
numbers = itertools.count(1)
WAITING = """
select count(*) from pg_stat_activity
 where datname = current_database() and wait_event_type = 'Lock' and backend_type = 'client backend'
"""


class Open:
    """A transaction that ends when the test says so."""

    def __init__(self, connection: Connection) -> None:
        self._transaction = connection.transaction()
        self.ended = False

    async def begin(self) -> None:
        await self._transaction.start()

    async def commit(self) -> None:
        self.ended = True
        await self._transaction.commit()

    async def rollback(self) -> None:
        self.ended = True
        await self._transaction.rollback()


@asynccontextmanager
async def stays_open(connection: Connection) -> AsyncIterator[Open]:
    """A transaction on this connection; rolled back where the test did not get to its end."""
    opened = Open(connection)
    await opened.begin()
    try:
        yield opened
    finally:
        if not opened.ended:
            await opened.rollback()


async def blocked(pool: Pool, other: asyncio.Task[Any] | None = None, *, at_least: int = 1) -> None:
    """Return when so many connections wait for locks of others, or `other` has come through without waiting."""
    async with asyncio.timeout(SECONDS), pool.acquire() as watcher:
        while await watcher.fetchval(WAITING) < at_least and not (other and other.done()):  # noqa: ASYNC110  # a server's
            await asyncio.sleep(0.005)


def text(body: str = "hello", *, phone: str = PHONE, key: str | None = None, account: str = "sms-main") -> Delivery:
    """A message on its way into the database."""
    message = InboundMessage(key or f"SM{next(numbers)}", HandleRef("phone", phone), body)
    return Delivery(account, "sms", message, "step", "a=1", "text/plain", body.encode("utf-8", "surrogatepass"))


def recorder(company: Company, limit: int = 1000) -> Recorder:
    """What one process records with."""
    return Recorder(company.pool, company.announce, lambda _contacts: None, limit)
