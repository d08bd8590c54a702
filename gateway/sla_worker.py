"""Winds the clocks of first response and resolution, and tells of warnings and breaches."""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter

from router.sla_clocks import fetch_to_wind, put_off, wind_clocks
from store.feeds import Announce, transaction
from store.pool import Pool

STEP_SECONDS: Final = 0.25
BATCH: Final = 50
ROUNDS: Final = 200

ALERTS = Counter(
    "screenpop_sla_alerts", "Warnings and breaches of first response and resolution", ["policy", "measure", "what"]
)
log = structlog.get_logger()


class SlaWorker:
    """A batch at a time, by one process of all."""

    def __init__(self, pool: Pool, announce: Announce) -> None:
        self._pool = pool
        self._announce = announce

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.step()
            except Exception as error:  # the database is away, or a fault of ours: the next step tries again
                log.warning("sla_failed", error=type(error).__name__)
            await asyncio.sleep(STEP_SECONDS)

    async def step(self) -> None:
        """Wind all that is to be wound; a conversation that fails keeps no other waiting."""
        for _ in range(ROUNDS):
            async with self._pool.acquire() as connection:
                waiting = await fetch_to_wind(connection, BATCH)
            if not waiting:
                return
            try:
                if not await self._wind():
                    return  # another process is at it
            except Exception as error:
                log.warning("sla_batch_failed", error=type(error).__name__)
                for conversation in waiting:
                    await self._alone(conversation)

    async def _wind(self, only: UUID | None = None) -> int:
        async with transaction(self._pool, self._announce) as tx:
            wound = await wind_clocks(tx, BATCH, only)
        for news in wound.news:
            ALERTS.labels(news.policy, news.measure, news.what).inc()
        return wound.count

    async def _alone(self, conversation: UUID) -> None:
        try:
            await self._wind(conversation)
        except Exception as error:
            log.error("sla_not_wound", conversation=str(conversation), error=type(error).__name__)
            async with self._pool.acquire() as connection:
                await put_off(connection, conversation)
