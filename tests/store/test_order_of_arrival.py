"""In whichever order facts arrive: the same groups; what contradicts is asked. `prove customer` has the long run."""

from __future__ import annotations

import pytest

from tests.store.order_of_arrival import run_free, run_torn


@pytest.mark.timeout(300)
def test_facts_without_a_conflict_make_the_same_groups_in_any_order(database_url: str) -> None:
    seen = run_free(database_url, 10, 3)
    assert seen.runs == 3 * seen.examples
    assert seen.joined > 0, "several handles were one person's"


@pytest.mark.timeout(300)
def test_with_conflicts_the_order_decides_and_the_later_fact_is_a_suggestion(database_url: str) -> None:
    seen = run_torn(database_url, 12)
    assert seen.runs == 2 * seen.examples
    assert seen.suggested > 0, seen
