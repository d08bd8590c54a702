"""The configured accounts, cached for a few seconds: every webhook needs one."""

from __future__ import annotations

import asyncio
import time

import asyncpg
import msgspec
import structlog

from adapters.base import AccountConfig
from adapters.registry import UnknownProvider, adapter_for, registered
from model.limits import ReplyLimits
from store.pool import Connection, Pool

FRESH_SECONDS = 2.0
log = structlog.get_logger(__name__)

FETCH_ACCOUNTS = """
select id, channel, provider, address, secrets, region, public_url, settings::text as settings from account
"""


async def fetch_accounts(connection: Connection) -> dict[str, AccountConfig]:
    """Every configured account by id."""
    return {row["id"]: _config(row) for row in await connection.fetch(FETCH_ACCOUNTS)}


def _config(row: asyncpg.Record) -> AccountConfig:
    return AccountConfig(
        id=row["id"],
        channel=row["channel"],
        provider=row["provider"],
        address=row["address"],
        secrets=tuple(row["secrets"]),
        region=row["region"],
        public_url=row["public_url"],
        settings=msgspec.json.decode(row["settings"], type=dict[str, str]),
    )


FETCH_ACCOUNT = FETCH_ACCOUNTS + " where id = $1"


async def fetch_limits(connection: Connection, account: str) -> ReplyLimits | None:
    """What a reply by this account may be; None where no adapter serves it."""
    row = await connection.fetchrow(FETCH_ACCOUNT, account)
    return limits_of(_config(row)) if row else None


def limits_of(account: AccountConfig) -> ReplyLimits | None:
    """What a reply by this account may be; None where no adapter serves it, or one of another's package fails."""
    try:
        return adapter_for(account.provider, account.channel).limits(account)
    except UnknownProvider:
        return None
    except Exception as error:
        if (account.provider, account.channel) in registered():
            raise
        log.error("limits_failed", account=account.id, error=type(error).__name__)
        return None


class Accounts:
    """Accounts as of a moment ago. While the database is away the last ones known go on serving."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[str, AccountConfig] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def get(self, account: str) -> AccountConfig | None:
        """The account of this id. Unknown ids cost at most one read per `FRESH_SECONDS`, whoever asks how often."""
        if self._reading is None and time.monotonic() - self._read_at > FRESH_SECONDS:
            self._reading = asyncio.create_task(self._read())
        if account not in self._known and self._reading is not None:
            await asyncio.shield(self._reading)
        return self._known.get(account)

    async def all(self) -> dict[str, AccountConfig]:
        """Every account."""
        await self._read()
        return self._known

    async def _read(self) -> None:
        try:
            async with self._pool.acquire() as connection:
                self._known = await fetch_accounts(connection)
            self._read_at = time.monotonic()
        finally:
            self._reading = None
