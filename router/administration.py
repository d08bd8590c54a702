"""What administrators set of accounts, and what stands in the way of removing a queue."""

from __future__ import annotations

from model.refusal import Refused
from router.reads import AccountView
from store.pool import Connection

ACCOUNT = """
select id, channel, provider, address, region, public_url, queue_id, paused_until, created_at from account where id = $1
"""
DEFAULT_QUEUE = "select queue_id from account where id = $1"
LOCK_DEFAULT = f"{DEFAULT_QUEUE} for no key update"
# Locked, so that it cannot be retired before this is committed.
LOCK_QUEUE = "select id from queue where id = $1 and retired_at is null for no key update"
SET_DEFAULT = "update account set queue_id = $2 where id = $1"


async def fetch_account(connection: Connection, account: str) -> AccountView | None:
    """One account as everybody may see it."""
    row = await connection.fetchrow(ACCOUNT, account)
    return None if row is None else AccountView(*row)


async def fetch_default_queue(connection: Connection, account: str, *, lock: bool = False) -> str | None:
    """The queue an account falls back on; None where there is no such account."""
    found: str | None = await connection.fetchval(LOCK_DEFAULT if lock else DEFAULT_QUEUE, account)
    return found


async def set_default_queue(connection: Connection, account: str, queue: str) -> Refused | None:
    """Let an account fall back on this queue. Inside a transaction."""
    if await connection.fetchval(LOCK_QUEUE, queue) is None:
        return Refused("invalid", f"There is no queue {queue!r}; `GET /v1/queues` lists them.", "queue")
    await connection.execute(SET_DEFAULT, account, queue)
    return None
