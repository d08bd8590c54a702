"""Who is who under pressure: merges during deliveries, and facts in any order."""

from __future__ import annotations

import asyncio

from tests.outside.verdict import Verdict
from tests.prove_customer.place import database
from tests.prove_first_light.stage import Stage
from tests.store.merge_storm import storm
from tests.store.order_of_arrival import run_free, run_torn

DELIVERIES, MERGES = 15_000, 465
CONFLICTS = {"conflicting_external_ids", "different_names", "never_link"}
FREE, ORDERS, TORN = 150, 3, 100


async def show_merges(stage: Stage) -> list[Verdict]:
    """Merges while two processes record: no deadlock, one open conversation per root, nothing lost or doubled."""
    async with database(stage.folder / "database") as url:
        outcome = await storm(url, DELIVERIES, MERGES, stage.rng)
    dose = f"{outcome.merges} merges, {outcome.undone} undone, {outcome.deliveries} deliveries"
    wrong = "; ".join(outcome.wrong) or "nothing"
    return [
        Verdict(
            "the whole dose was given",
            dose,
            f"errors: {dict(outcome.errors)}",
            outcome.merges >= MERGES and not outcome.errors,
        ),
        Verdict("no deadlock", dose, f"{outcome.deadlocks} broken by the database", outcome.deadlocks == 0),
        Verdict(
            "one visible open conversation per root, no entry lost or doubled, each handle at one customer",
            dose,
            f"wrong: {wrong}; {outcome.groups} groups",
            not outcome.wrong,
        ),
    ]


async def show_order(stage: Stage) -> list[Verdict]:
    """Facts in any order: the same groups without a conflict; with one, the later fact is a question."""
    async with database(stage.folder / "free") as url:
        free = await asyncio.to_thread(run_free, url, FREE, ORDERS, stage.rng.randrange(2**32))
    async with database(stage.folder / "torn") as url:
        torn = await asyncio.to_thread(run_torn, url, TORN, stage.rng.randrange(2**32))
    kept = ", ".join(f"{why} {times}" for why, times in sorted(torn.kept_apart.items()))
    return [
        Verdict(
            "without a conflict the order of arrival does not change the groups",
            f"{free.examples} examples, each in {ORDERS} orders: {free.runs} runs, {free.facts} facts",
            f"{free.joined} groups of several handles, all as the facts prove",
            free.examples >= FREE / 2 and free.joined > 0,
        ),
        Verdict(
            "with conflicts the same order gives the same groups and questions",
            f"{torn.examples} examples, each twice: {torn.runs} runs, {torn.facts} facts",
            f"refused and to be read: {kept}; {torn.suggested} of them an open suggestion",
            torn.examples >= TORN / 2 and torn.suggested > 0 and set(torn.kept_apart) >= CONFLICTS,
        ),
    ]
