"""Random work agrees with a small model of it, in small; `run.py prove routing --only model` plays it long."""

from __future__ import annotations

import pytest

from tests.store.work_round import run

EXAMPLES, STEPS = 25, 30


@pytest.mark.timeout(400)  # it empties every table between examples, which a busy disk makes slow
def test_random_work_agrees_with_the_model(database_url: str) -> None:
    counts = run(database_url, EXAMPLES, STEPS, shrink=True)
    assert counts["examples"] >= EXAMPLES
