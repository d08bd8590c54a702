"""Merges while everybody writes. The full dose is `python3 run.py prove customer`'s."""

from __future__ import annotations

import random

from tests.store.merge_storm import storm


async def test_merges_during_deliveries_lose_nothing_and_never_deadlock(database_url: str) -> None:
    seed = random.randrange(2**32)
    outcome = await storm(database_url, 2_000, 60, random.Random(seed))
    assert (outcome.wrong, dict(outcome.errors), outcome.deadlocks) == ([], {}, 0), f"seed {seed}: {outcome}"
    assert outcome.merges == 60
    assert outcome.groups == 2 * 60 + 2 - 60 + outcome.undone
