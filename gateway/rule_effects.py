"""Carry out what rules do besides choosing a queue, each decision's in a transaction of its own."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
import structlog

from profiles.by_rule import mark_by_rule
from router.effects import claim_effects, end_effects, put_off_effects, read_effects
from store.feeds import Announce, transaction
from store.pool import Pool

log = structlog.get_logger()
REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, msgspec.MsgspecError, LookupError)
"""What would be raised again every time; whatever else is raised may pass."""
AGAIN_IN = timedelta(seconds=5)


async def carry_out_effects(pool: Pool, announce: Announce, most: int) -> None:
    """Carry out at most so many. Several processes at once; one that cannot be is logged and holds up no other."""
    for _ in range(most):
        decision: UUID | None = None
        try:
            async with transaction(pool, announce) as tx:
                pending = await claim_effects(tx.connection)
                if pending is None:
                    return
                decision = pending.decision
                effects = read_effects(pending.stored)
                await mark_by_rule(tx, pending.conversation, effects.tags, effects.topics)
                await end_effects(tx.connection, decision)
        except Exception as error:
            if decision is None:
                raise
            log.error("rule_effects_failed", decision=str(decision), error=type(error).__name__)
            async with transaction(pool, announce) as tx:
                if isinstance(error, REFUSED):
                    await end_effects(tx.connection, decision)
                else:
                    await put_off_effects(tx.connection, decision, AGAIN_IN)
