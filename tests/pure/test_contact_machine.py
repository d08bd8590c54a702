"""The contact and offer machines: every state with every event, and that the database knows the same states."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from model.contact import ContactState
from model.offer import OfferState
from router import contact, offer
from router.contact import ENDED, HOLDING, OWNED, ContactEvent, frees_capacity, loses_agent
from router.offer import OfferEvent

SCHEMA = (Path(contact.__file__).parents[1] / "store/migrations/0001_core.sql").read_text()
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
STATES: tuple[ContactState, ...] = get_args(ContactState)
EVENTS: tuple[ContactEvent, ...] = get_args(ContactEvent)

# A row per state, a column per event; `.` means nothing happens.
COLUMNS = """
routed    offered assigned returned accepted finished done   parked handed_back wrote    hung_up   closed
"""
TABLE = """
new       queued  .        .        .        .        .      .      .           .        .         abandoned closed
queued    queued  offered  assigned .        .        .      .      .           .        queued    abandoned closed
offered   .       .        .        queued   assigned .      .      .           .        offered   abandoned closed
assigned  .       .        .        .        .        wrapping closed parked    queued   assigned  abandoned closed
wrapping  .       .        .        .        .        .      closed .           .        assigned  .         closed
parked    .       .        assigned .        .        .      closed .           queued   queued    .         closed
abandoned .       .        .        .        .        .      .      .           .        .         .         .
closed    .       .        .        .        .        .      .      .           .        .         .         .
"""
EXPECTED = {
    (row.split()[0], event): None if cell == "." else cell
    for row in TABLE.strip().splitlines()
    for event, cell in zip(COLUMNS.split(), row.split()[1:], strict=True)
}


def states_in_schema(table: str) -> set[str]:
    """What the check constraint on `state` of this table allows."""
    create = SCHEMA[SCHEMA.index(f"create table {table} (") :]
    found = re.search(r"\n\s+state\s[^(]*check \(state in\s*\(([^)]*)\)", create)
    assert found is not None
    return set(re.findall(r"'(\w+)'", found[1]))


def ways_in_comment(start: str) -> dict[str, set[str]]:
    """The transitions the comment above a table names, as `a -> b | c; d -> e`."""
    lines = SCHEMA[SCHEMA.index(start) :].splitlines()
    comment = " ".join(
        line.removeprefix("-- ") for line in lines[: next(i for i, x in enumerate(lines) if x[:2] != "--")]
    )
    ways = (way.split(" -> ") for way in comment.split(". ")[0].split(";"))
    return {before.strip(): set(re.findall(r"\w+", re.sub(r"\(.*?\)", "", after))) for before, after in ways}


def test_the_expected_table_has_every_state_and_every_event() -> None:
    assert set(EXPECTED) == {(state, event) for state in STATES for event in EVENTS}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_a_contact_goes_where_the_table_says_and_nowhere_else(state: ContactState, event: ContactEvent) -> None:
    assert contact.advance(state, event) == EXPECTED[state, event]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_a_call_differs_only_in_that_its_wrap_up_never_turns_back_into_work(
    state: ContactState, event: ContactEvent
) -> None:
    expected = None if (state, event) == ("wrapping", "wrote") else EXPECTED[state, event]
    assert contact.advance(state, event, "voice") == expected


def test_what_has_ended_stays_ended_and_everything_else_can_end() -> None:
    assert {state for state in STATES if not any(contact.advance(state, event) for event in EVENTS)} == ENDED
    assert all(contact.advance(state, "closed") == "closed" for state in STATES if state not in ENDED)


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after", STATES)
def test_capacity_is_freed_by_leaving_work_and_the_agent_lost_by_leaving_ownership(
    before: ContactState, after: ContactState
) -> None:
    assert frees_capacity(before, after) == (before in HOLDING and after not in HOLDING)
    assert loses_agent(before, after) == (before in OWNED and after not in OWNED)


def test_a_parked_contact_keeps_its_agent_and_gives_back_the_slot() -> None:
    assert frees_capacity("assigned", "parked")
    assert not loses_agent("assigned", "parked")
    assert loses_agent("parked", "queued")
    assert not frees_capacity("parked", "queued")
    assert not frees_capacity("wrapping", "assigned")


def test_the_database_allows_the_same_states() -> None:
    assert states_in_schema("contact") == set(STATES)
    assert states_in_schema("offer") == set(get_args(OfferState))


def test_the_schema_says_the_same_transitions_of_a_contact() -> None:
    ways: dict[str, set[str]] = {}
    for (before, _), after in contact.TRANSITIONS.items():
        if before != after:
            ways.setdefault(before, set()).add(after)
    ways["new"] -= {"abandoned", "closed"}  # as from every waiting state; the comment leaves them out
    assert {before: after - {before} for before, after in ways_in_comment("-- new -> queued;").items()} == ways


@pytest.mark.parametrize("state", get_args(OfferState))
@pytest.mark.parametrize("event", get_args(OfferEvent))
@pytest.mark.parametrize("late_by", [timedelta(microseconds=-1), timedelta(0), timedelta(microseconds=1)])
def test_an_offer_ends_once_and_its_end_by_time_is_exact(
    state: OfferState, event: OfferEvent, late_by: timedelta
) -> None:
    late = late_by >= timedelta(0)
    ends = {"accept": None if late else "accepted", "decline": "declined", "rescind": "rescinded"}
    ends["time_out"] = "timed_out" if late else None
    expected = ends[event] if state == "pending" else None
    assert offer.advance(state, event, now=NOW + late_by, expires_at=NOW) == expected
