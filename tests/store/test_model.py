"""Random work agrees with a small model of it: 500 examples of 50 steps; `run.py prove routing` plays more."""

from __future__ import annotations

import secrets
import sys

import pytest

from tests.store.work_round import EXAMPLES, run

PARTS = 20
A_PART, STEPS = 25, 50


@pytest.mark.timeout(400)  # it empties every table between examples, which a busy disk makes slow
@pytest.mark.parametrize("part", range(1, PARTS + 1))
def test_random_work_agrees_with_the_model(database_url: str, part: int) -> None:
    seeded = secrets.randbelow(2**32)
    sys.stdout.write(f"part {part}, seed {seeded}\n")  # shown where it fails
    counts = run(database_url, A_PART, STEPS, seeded, shrink=True)
    assert counts[EXAMPLES] >= A_PART
