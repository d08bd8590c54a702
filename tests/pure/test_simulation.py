"""R18: the router under a simulated clock: who takes what, when, and that nothing takes more than there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulate.summing import percentile, summarize
from router.simulation.given import Arrival, Outcome, Shift, Terms
from router.simulation.running import simulate
from router.skills import SkillLevel, levels
from tests.prove_routing.erlang import SMALL, disagreements, measure


def shift(agent: str, *queues: str, voice: int = 1, **more: object) -> Shift:
    return Shift(agent, frozenset(queues or ("q",)), {"voice": voice, "messaging": 4}, **more)  # type: ignore[arg-type]


def call(at: float, queue: str = "q", handling: float = 100.0, **more: object) -> Arrival:
    return Arrival(at, queue, handling=handling, **more)  # type: ignore[arg-type]


def told(outcomes: list[Outcome]) -> list[tuple[str | None, float | None, float | None]]:
    return [(one.agent, one.answered, one.finished) for one in outcomes]


def test_contacts_wait_their_turn_and_each_is_answered_when_an_agent_is_free() -> None:
    outcomes = simulate([call(0), call(10), call(20)], [shift("Ada"), shift("Bo")])
    assert told(outcomes) == [("Ada", 0, 100), ("Bo", 10, 110), ("Ada", 100, 200)]


def test_who_is_idle_longest_is_asked_first() -> None:
    outcomes = simulate([call(0), call(10), call(300)], [shift("Ada"), shift("Bo")])
    assert [one.agent for one in outcomes] == ["Ada", "Bo", "Ada"]


def test_of_two_who_wait_the_one_before_goes_first_and_priority_makes_older() -> None:
    waiting = [call(0), call(10, "a"), call(20, "b")]
    outcomes = simulate(waiting, [shift("Ada", "q", "a", "b")])
    assert [one.answered for one in outcomes] == [0, 100, 200]
    urgent = [*waiting[:2], call(20, "b", priority=1)]
    assert [one.answered for one in simulate(urgent, [shift("Ada", "q", "a", "b")])] == [0, 200, 100]
    outcomes = simulate(urgent, [shift("Ada", "q", "a", "b")], Terms(priority_bonus=5))
    assert [one.answered for one in outcomes] == [0, 100, 200]


def test_an_offer_that_is_missed_goes_to_others_and_its_agent_is_away_for_a_while() -> None:
    staff = [shift("Ada", accepts_after=20), shift("Bo", begin=1)]
    outcomes = simulate([call(5), call(30), call(200)], staff, Terms(away=60))
    assert [(one.agent, one.offered, one.answered, one.offers) for one in outcomes] == [
        ("Bo", 25, 25, 2),
        ("Bo", 125, 125, 2),
        ("Bo", 225, 225, 2),
    ]


def test_who_gives_up_is_not_answered_and_stops_the_ringing() -> None:
    outcomes = simulate([call(0), call(10, patience=30)], [shift("Ada")])
    assert (outcomes[1].left, outcomes[1].answered) == (40, None)
    ringing = simulate([call(0, patience=5), call(1)], [shift("Ada")], Terms(accept=10))
    assert [(one.left, one.answered) for one in ringing] == [(5, None), (None, 15)]


def test_skills_queues_and_shifts_say_who_may_take_it() -> None:
    spanish = (SkillLevel("spanish", 3),)
    staff = [
        shift("Ada", skills={"spanish": 2}),
        shift("Bo", skills={"spanish": 3}, begin=50, end=60),
        shift("Cy", "other", skills={"spanish": 9}),
    ]
    outcomes = simulate([call(0, skills=spanish), call(61, skills=spanish)], staff)
    assert told(outcomes) == [("Bo", 50, 150), (None, None, None)]


def test_wrap_up_holds_the_agent_and_a_total_counts_all_classes() -> None:
    assert told(simulate([call(0), call(1)], [shift("Ada")], Terms(wrap_up=30))) == [
        ("Ada", 0, 100),
        ("Ada", 130, 230),
    ]
    mixed = [call(0), Arrival(1, "q", "messaging", 10)]
    assert simulate(mixed, [shift("Ada")])[1].answered == 1
    assert simulate(mixed, [shift("Ada", total=1)])[1].answered == 100


def test_each_selection_chooses_as_the_router_does() -> None:
    texts = [Arrival(at, "q", "messaging", 1000) for at in range(3)]
    staff = [shift("Ada"), shift("Bo")]
    begun = [Arrival(0, "q", "messaging", 1), Arrival(0, "q", "messaging", 1000), *texts[2:]]
    assert [one.agent for one in simulate(begun, staff, Terms(selection="longest_idle"))][2] == "Bo"
    assert [one.agent for one in simulate(begun, staff, Terms(selection="least_loaded"))][2] == "Ada"


CALLS = st.lists(
    st.builds(
        call,
        st.integers(0, 50).map(float),
        st.sampled_from(("a", "b")),
        handling=st.integers(0, 30).map(float),
        patience=st.none() | st.integers(0, 20).map(float),
        skills=st.sampled_from(((), levels({"x": 2}))),
        priority=st.integers(0, 2),
    ),
    max_size=25,
)
STAFF = st.lists(
    st.builds(
        shift,
        st.uuids().map(str),
        *(st.sampled_from(("a", "b")), st.sampled_from(("a", "b"))),
        voice=st.integers(0, 2),
        begin=st.integers(0, 20).map(float),
        end=st.none() | st.integers(21, 90).map(float),
        skills=st.sampled_from(({}, {"x": 1}, {"x": 3})),
        accepts_after=st.sampled_from((None, 0.0, 3.0, 20.0)),
    ),
    max_size=4,
)


@given(CALLS, STAFF)
def test_nobody_holds_more_than_they_can_and_every_contact_ends_or_has_nobody(
    arrivals: list[Arrival], staff: list[Shift]
) -> None:
    outcomes = simulate(arrivals, staff)
    by_name = {one.agent: one for one in staff}
    for one, arrival in zip(outcomes, arrivals, strict=True):
        if one.answered is not None and one.agent is not None:
            serving = by_name[one.agent]
            assert arrival.queue in serving.queues
            assert all(serving.skills.get(each.skill, 0) >= each.level for each in arrival.skills)
            assert one.answered >= arrival.at and one.answered >= serving.begin
            assert one.finished == one.closed == one.answered + arrival.handling
        elif arrival.patience is not None:
            assert one.left == arrival.at + arrival.patience
        if one.left is not None:
            assert one.answered is None
    for name, serving in by_name.items():
        held = [(one.answered, one.closed) for one in outcomes if one.agent == name]
        for begin, _ in held:
            assert sum(a <= begin < b for a, b in held if a is not None and b is not None) <= serving.slots["voice"]  # type: ignore[operator]


def test_the_figures_are_those_of_the_contacts() -> None:
    arrivals = [call(0), call(50), call(60, patience=10), call(0, "nobody")]
    shifts = [shift("Ada", end=150.0)]
    summary = summarize(arrivals, shifts, simulate(arrivals, shifts), within=20)
    all_, own = summary.all, summary.queues[1]
    assert (all_.contacts, all_.answered, all_.abandoned, all_.unanswered) == (4, 2, 1, 1)
    assert (own.mean, own.p50, own.p99, own.service_level, own.abandonment) == (25, 0, 50, 1 / 3, 1 / 3)
    assert (summary.queues[0].mean, summary.queues[0].occupancy) == (None, None)
    assert (summary.agents[0].busy_seconds, summary.agents[0].occupancy) == (150, 1)
    assert [percentile([1, 2, 3, 4], part) for part in (0.01, 0.5, 0.51, 0.99)] == [1, 2, 3, 4]


def test_waiting_agrees_with_erlang_c() -> None:
    """A small dose of what `prove routing` shows on many settings."""
    assert disagreements([(SMALL, [measure(SMALL, seed, contacts=2500, before=500) for seed in range(8)])]) == []


@pytest.mark.parametrize("late", [1.15, 0.85])
def test_waiting_that_is_off_does_not_agree_with_erlang_c(late: float) -> None:
    """What is asked for can fail: handling that is longer or shorter is seen."""
    runs = [measure(SMALL, seed, contacts=2500, before=500, late=late) for seed in range(8)]
    assert disagreements([(SMALL, runs)])
