"""Random identity work agrees with a model of it; the long run is `python3 run.py prove customer`'s."""

from __future__ import annotations

import pytest

from tests.store.identity_model import RULES, run


@pytest.mark.timeout(400)
def test_random_identity_work_loses_nothing_and_can_be_taken_back(database_url: str) -> None:
    counts = run(database_url, 8, 1)
    assert set(counts.rules) == set(RULES), counts
    assert counts.rarest[1] >= 0.05, counts
    assert counts.returned > 0, counts
    assert counts.restored > 0, counts
