"""Looks for profiles that may be one person, in the background: what stands in `likeness_due`, a batch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from profiles.likeness_due import claim_due, finish_due, restore_due
from profiles.portraits import keep_portraits
from profiles.sharing import find_used_by_many, share_by_itself
from profiles.suggestions import suggest
from store.feeds import Announce, transaction
from store.pool import Pool

STEP_SECONDS: Final = 0.5
BATCH: Final = 200
LEASE: Final = timedelta(minutes=5)
SWEEP_STEPS: Final = 120
"""Every so many idle steps, what a process that died was looking at is taken up again."""

log = structlog.get_logger()


class LikenessWorker:
    """One batch at a time per process. What is looked at by another is skipped."""

    def __init__(self, pool: Pool, announce: Announce) -> None:
        self._pool = pool
        self._announce = announce

    async def run(self) -> None:
        """Until cancelled."""
        steps = 0
        while True:
            try:
                if steps % SWEEP_STEPS == 0:
                    async with self._pool.acquire() as connection:
                        await restore_due(connection)
                steps += 1
                await self.drain()
            except Exception as error:  # the database is away, or a fault of ours: the next step tries again
                log.warning("likeness_failed", error=type(error).__name__)
            await asyncio.sleep(STEP_SECONDS)

    async def drain(self) -> None:
        """Look at everything there is."""
        while await self.step():
            pass

    async def step(self) -> int:
        """Look at one batch; gives how many profiles that were."""
        async with self._pool.acquire() as connection:
            roots = await claim_due(connection, BATCH, LEASE)
        if not roots:
            return 0
        # All portraits first: those who came together are found by each other.
        async with transaction(self._pool, self._announce) as tx:
            await keep_portraits(tx.connection, roots)
        again = [root for root in roots if not await self._look_at(root)]
        async with self._pool.acquire() as connection:
            await finish_due(connection, roots, again)
        return len(roots)

    async def _look_at(self, root: UUID) -> bool:
        """Bring everything about one profile up to date; False when it has to be looked at once more."""
        try:
            async with self._pool.acquire() as connection:
                many: Sequence[UUID] = await find_used_by_many(connection, root)
            for handle in many:
                async with transaction(self._pool, self._announce) as tx:
                    await share_by_itself(tx, handle)
            async with transaction(self._pool, self._announce) as tx:
                return await suggest(tx, root)
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
            return False
