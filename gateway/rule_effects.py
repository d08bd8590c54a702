"""Carry out what rules do besides choosing a queue, each decision's in a transaction of its own.

None of it runs the rules again: they run for what customers send. What is held back so that nothing goes round in
circles, and what cannot be done, stands in the decision as `undone`, with the reason.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
import structlog

from gateway.accounts import fetch_limits
from model.customer import Customer
from profiles.auto_reply import ByRule, answer_by_rule
from profiles.by_rule import mark_by_rule, task_by_rule
from profiles.details import lock_owner
from profiles.sections import fetch_customer
from profiles.topics import CONVERSATION
from router.effects import (
    Effects,
    Pending,
    claim_effects,
    end_effects,
    put_off_effects,
    read_effects,
    to_voicemail,
)
from router.rules.fields import CUSTOM
from router.rules.templates import BadTemplate, Filled, fill
from store.feeds import Announce, Transaction, transaction
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
                undone = [each async for each in _carry_out(tx, pending, effects)]
                await end_effects(tx.connection, decision, undone)
            if undone:
                log.warning("rule_effects_undone", decision=str(decision), count=len(undone))
        except Exception as error:
            if decision is None:
                raise
            log.error("rule_effects_failed", decision=str(decision), error=type(error).__name__)
            async with transaction(pool, announce) as tx:
                if isinstance(error, REFUSED):
                    await end_effects(tx.connection, decision, [f"Nothing was done: {type(error).__name__}."])
                else:
                    await put_off_effects(tx.connection, decision, AGAIN_IN)


async def _carry_out(tx: Transaction, pending: Pending, effects: Effects) -> AsyncIterator[str]:
    """Answer, add the task, ask to leave word; gives what was not done."""
    by = ByRule(pending.rule, pending.decision, pending.contact, pending.conversation)
    if effects.reply is not None:
        why = await _answer(tx, by, effects.reply, pending)
        if why:
            yield f"No answer was sent: {why}"
    if effects.task is not None:
        why = await _add_task(tx, by, effects, pending)
        if why:
            yield f"No task was added: {why}"
    if effects.voicemail and not await to_voicemail(tx.connection, pending.contact):
        yield "No voicemail: this is no caller who waits."


async def _answer(tx: Transaction, by: ByRule, template: str, pending: Pending) -> str | None:
    filled = await _fill(tx, template, pending)
    if filled.text is None:
        return _missing(filled)
    refused = await answer_by_rule(tx, by, filled.text, fetch_limits)
    return refused.message if refused else None


async def _add_task(tx: Transaction, by: ByRule, effects: Effects, pending: Pending) -> str | None:
    task = effects.task
    if task is None:
        return None
    filled = await _fill(tx, task.text, pending)
    if filled.text is None:
        return _missing(filled)
    refused = await task_by_rule(tx, by, filled.text, task.queue, task.due)
    return refused.message if refused else None


async def _fill(tx: Transaction, template: str, pending: Pending) -> Filled:
    """The template with what the profile says now; nothing of it is kept with the decision."""
    root = await lock_owner(tx, CONVERSATION, pending.conversation)
    if root is None:
        return Filled(None)
    customer = await fetch_customer(tx.connection, root)
    try:
        return fill(template, {**values_of(customer), "queue": pending.queue_name})
    except BadTemplate as error:
        raise LookupError(str(error)) from None


def values_of(customer: Customer) -> dict[str, object]:
    """What a template may take of a profile."""
    own = {"name": customer.name, "company": customer.company, "location": customer.location, "plan": customer.plan}
    return own | {f"{CUSTOM}{each.key}": each.value for each in customer.fields}


def _missing(filled: Filled) -> str:
    if not filled.missing:
        return "nothing is left to say."
    named = ", ".join(f"{{{field}}}" for field in filled.missing)
    return f"{named} is not known and has no default; write one after a bar."
