"""R13: when clocks of first response and resolution run, what they count, and what is told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.sla import Measure
from model.voice_line import DAYS, Hours
from router.business_time import BusinessTime
from router.sla import Clock, PriorityTarget, Promise, Targets, Turn, news_of, target_of, tell, wind

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NINE = datetime(2026, 11, 26, 9, tzinfo=UTC)
OFFICE = BusinessTime(Hours("UTC", dict.fromkeys(DAYS[:5], (("09:00", "17:00"),))))
ALWAYS = BusinessTime(None)


def said(hours: float, status: Any = "open", *, attention: bool | None = None, apart: bool = False) -> Turn:
    """How it stands so many hours after nine; the customer waits while it is new or open."""
    waits = status in ("new", "open") if attention is None else attention
    return Turn(NINE + hours * HOUR, status, waits, apart)


def ran(measure: Measure, *turns: Turn, target: timedelta = HOUR, time: BusinessTime = ALWAYS) -> Clock:
    return wind(measure, Clock(target), Promise(target, timedelta(), time), turns)


def test_first_response_runs_from_the_first_word_until_an_agent_answers() -> None:
    waiting = ran("first_response", said(0, "new"), said(0.5), said(0.75))
    assert (waiting.since, waiting.due_at, waiting.met_at) == (NINE, NINE + HOUR, None)
    answered = ran("first_response", said(0, "new"), said(0.5, "waiting"))
    assert (answered.met_at, answered.due_at, answered.spent) == (NINE + HOUR / 2, None, HOUR / 2)
    # once: the next word starts nothing
    assert ran("first_response", said(0, "new"), said(0.5, "waiting"), said(3)) == answered


def test_a_call_that_is_talking_is_an_answer_and_no_end() -> None:
    talking = (said(0, "new"), said(0.25, "open", attention=False))
    assert ran("first_response", *talking).met_at == NINE + HOUR / 4
    assert ran("resolution", *talking).due_at == NINE + HOUR


def test_resolution_rests_while_the_customer_is_asked_and_goes_on_with_their_word() -> None:
    resting = ran("resolution", said(0, "new"), said(0.5, "waiting"))
    assert (resting.due_at, resting.spent) == (None, HOUR / 2)
    again = ran("resolution", said(0, "new"), said(0.5, "waiting"), said(10))
    assert again.due_at == NINE + 10.5 * HOUR
    closed = ran("resolution", said(0, "new"), said(0.5, "waiting"), said(10), said(10.25, "closed", attention=False))
    assert (closed.due_at, closed.spent) == (None, 0.75 * HOUR)
    reopened = wind("resolution", closed, Promise(HOUR, timedelta(), ALWAYS), [said(50)])
    assert reopened.due_at == NINE + 50.25 * HOUR


def test_what_is_closed_without_an_answer_was_not_answered() -> None:
    closed = ran("first_response", said(0, "new"), said(0.5, "closed", attention=False))
    assert (closed.met_at, closed.due_at) == (None, None)
    folded = ran("first_response", said(0, "new"), said(0.5, "new", apart=True))
    assert (folded.met_at, folded.due_at) == (None, None)


def test_hours_count_only_while_somebody_is_there() -> None:
    # Thursday at four in the afternoon, two hours: Friday at ten
    assert ran("resolution", said(7, "new"), target=2 * HOUR, time=OFFICE).due_at == NINE + 25 * HOUR


def test_each_warning_and_breach_is_told_once() -> None:
    promise = Promise(HOUR, 10 * MINUTE, ALWAYS)
    clock, news = wind("resolution", Clock(HOUR), promise, [said(0, "new")]), []
    assert clock.next_at == clock.warn_at == NINE + 50 * MINUTE
    for minute in range(0, 121, 10):
        now = tell(clock, NINE + minute * MINUTE)
        if what := news_of(clock, now):
            news.append((minute, what))
        clock = wind("resolution", now, promise, [said(minute / 60)])
    assert news == [(50, "warning"), (60, "breach")]
    assert (clock.breached_at, clock.next_at) == (NINE + HOUR, None)


def test_an_answer_that_came_too_late_is_a_breach_though_nobody_looked_meanwhile() -> None:
    late = ran("first_response", said(0, "new"), said(3, "waiting"))
    assert (late.breached_at, late.met_at) == (NINE + HOUR, NINE + 3 * HOUR)
    assert news_of(Clock(HOUR), late) == "breach"
    missed = tell(ran("first_response", said(0, "new")), NINE + 5 * HOUR)
    assert news_of(ran("first_response", said(0, "new")), missed) == "breach"


def test_another_promise_holds_for_what_runs_already() -> None:
    running = ran("resolution", said(0, "new"), said(0.5, "waiting"), said(2))
    shorter = wind("resolution", running, Promise(HOUR / 4, timedelta(), ALWAYS), [])
    assert shorter.due_at is not None
    assert shorter.due_at <= NINE + 2 * HOUR
    longer = wind("resolution", running, Promise(3 * HOUR, timedelta(), ALWAYS), [])
    assert longer.due_at == NINE + 4.5 * HOUR


@pytest.mark.parametrize(
    ("priority", "first", "resolution"), [(0, 60, 600), (4, 60, 600), (5, 30, 600), (9, 30, 300), (10, 10, 300)]
)
def test_targets_go_by_priority(priority: int, first: int, resolution: int) -> None:
    rows = (PriorityTarget(9, None, 300), PriorityTarget(5, 30), PriorityTarget(10, 10))
    targets = Targets("Gold", 60, 600, by_priority=rows)
    assert target_of(targets, "first_response", priority) == timedelta(seconds=first)
    assert target_of(targets, "resolution", priority) == timedelta(seconds=resolution)
    assert target_of(Targets("None", 60), "resolution", priority) is None


standing = st.tuples(st.sampled_from(["new", "open", "waiting", "closed"]), st.booleans(), st.booleans())


@given(st.lists(st.tuples(st.integers(0, 600), standing), max_size=8), st.sampled_from([OFFICE, ALWAYS]))
@settings(max_examples=60, deadline=None)
def test_what_was_counted_is_the_time_in_which_it_ran(steps: list[Any], time: BusinessTime) -> None:
    steps.sort(key=lambda step: step[0])
    turns = [Turn(NINE + minute * MINUTE, *how) for minute, how in steps]
    end = Turn(NINE + 700 * MINUTE, "closed", needs_attention=False)
    clock = ran("resolution", *turns, end, target=2 * HOUR, time=time)
    stretches = pairwise([*turns, end])
    ran_for = [
        time.between(one.at, two.at) for one, two in stretches if one.status in ("new", "open") and not one.apart
    ]
    assert clock.spent == sum(ran_for, timedelta())
    assert (clock.breached_at is not None) == (clock.spent > 2 * HOUR or clock.spent == 2 * HOUR)
    # looked at after every turn or once at the end, it is the same
    often = Clock(2 * HOUR)
    for turn in (*turns, end):
        often = wind("resolution", often, Promise(2 * HOUR, timedelta(), time), [turn])
    assert often == clock
