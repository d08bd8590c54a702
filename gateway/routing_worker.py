"""Route what waits: in batches, and one by one where a batch fails, so that no contact keeps others waiting."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg
import structlog

from gateway.profile_facts import profile_facts
from router.lone import LoneContact
from router.routing import BATCH, PublishedRules, fetch_rules, fetch_waiting, route, set_aside
from store.feeds import Announce, transaction
from store.pool import Pool

ROUNDS: Final = 200
AWAY: Final = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
)
"""Nobody's fault but the database's, or another transaction's: tried again as it was."""

log = structlog.get_logger()


def _is_away(error: Exception) -> bool:
    """A statement that takes too long is the contact's own fault, as far as anybody can tell."""
    return isinstance(error, AWAY) and not isinstance(error, asyncpg.QueryCanceledError)


class RoutingWorker:
    """Runs the rules on contacts that wait for them."""

    def __init__(self, pool: Pool, announce: Announce) -> None:
        self._pool = pool
        self._announce = announce
        self._rules = PublishedRules()
        self._lone: LoneContact | None = None

    async def route_waiting(self) -> None:
        """Route until nothing waits."""
        self._lone = None
        for _ in range(ROUNDS):
            if await self._batch() < BATCH:
                return

    def take_lone(self) -> LoneContact | None:
        """The contact that was routed last, once, where it was the only one and nothing else waits."""
        lone, self._lone = self._lone, None
        return lone

    async def _batch(self) -> int:
        try:
            return await self._route(BATCH)
        except Exception as error:
            if _is_away(error):
                raise
            log.warning("routing_batch_failed", error=type(error).__name__)
        async with self._pool.acquire() as connection:
            waiting = await fetch_waiting(connection, BATCH)
        return sum([await self._alone(contact) for contact in waiting])

    async def _route(self, most: int, only: UUID | None = None) -> int:
        async with transaction(self._pool, self._announce) as tx:
            self._rules = await fetch_rules(tx.connection, self._rules)
            routed = await route(tx.connection, self._rules, profile_facts, most, only)
        for alert in routed.alerts:
            log.error("rules_alert", problem=alert)
        self._lone = routed.lone
        return routed.count

    async def _alone(self, contact: UUID) -> int:
        """One contact, by the rules or else without them."""
        try:
            return await self._route(1, contact)
        except Exception as error:
            if _is_away(error):
                raise
            problem = f"the rules could not be run: {type(error).__name__}"
        log.error("rules_alert", problem=problem, contact=str(contact))
        try:
            async with transaction(self._pool, self._announce) as tx:
                return await set_aside(tx.connection, contact, self._rules.version, problem)
        except Exception as error:
            if _is_away(error):
                raise
            log.error("contact_not_routed", contact=str(contact), error=type(error).__name__)
            return 0
