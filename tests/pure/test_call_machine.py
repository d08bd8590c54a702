"""The call machine, and what has to be done where a call, its contact and its legs do not fit together."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

import pytest

from gateway.voice_plan import choose, place, way_in
from model.call import CallState, LegState
from model.contact import ContactState
from model.voice_line import Hours, Menu, Option, VoiceLine
from router.call import (
    LEG_ORDER,
    TRANSITIONS,
    CallStepEvent,
    CallView,
    LegView,
    advance,
    moves_forward,
    next_move,
    outcome_of,
)

ANN, BEN = UUID(int=1), UUID(int=2)
STATES: tuple[CallState, ...] = get_args(CallState)
CONTACTS: tuple[ContactState, ...] = get_args(ContactState)
ON = LegView("customer", "joined")


def test_every_transition_is_between_states_and_nothing_follows_the_end() -> None:
    for (state, event), after in TRANSITIONS.items():
        assert state in STATES
        assert after in STATES
        assert event in get_args(CallStepEvent)
        assert state != "ended"
    assert all(advance("ended", event) is None for event in get_args(CallStepEvent))
    assert all(advance(state, "hung_up") == "ended" for state in STATES if state != "ended")


def test_a_leg_only_moves_forward_in_whatever_order_reports_come() -> None:
    for order in itertools.permutations(LEG_ORDER[1:]):
        state: LegState = "wanted"
        for report in order:
            if moves_forward(state, report):
                state = report
        assert state == "ended"
    assert not any(moves_forward("ended", state) for state in LEG_ORDER)


@pytest.mark.parametrize("state", [state for state in STATES if state != "ended"])
@pytest.mark.parametrize("contact", CONTACTS)
def test_whatever_else_is_so_a_caller_who_hung_up_ends_the_call(state: CallState, contact: ContactState) -> None:
    holder = ANN if contact in ("assigned", "wrapping", "parked") else None
    legs = (LegView("customer", "ended"), LegView("agent", "joined", ANN))
    assert next_move(CallView(state, contact, holder, legs)) == "end"


@pytest.mark.parametrize("contact", CONTACTS)
def test_after_the_end_nothing_is_left(contact: ContactState) -> None:
    holder = ANN if contact in ("assigned", "wrapping", "parked") else None
    assert next_move(CallView("ended", contact, holder, (LegView("agent", "ringing", ANN),))) == "end_legs"
    left = next_move(CallView("ended", contact, holder, (LegView("agent", "ended", ANN),)))
    assert left == (None if contact in ("abandoned", "closed", "wrapping") else "end_contact")


def move(state: CallState, contact: ContactState, *legs: LegView, holder: UUID | None = ANN, **more: object) -> object:
    who = holder if contact in ("assigned", "wrapping", "parked") else None
    return next_move(CallView(state, contact, who, (ON, *legs), **more))  # type: ignore[arg-type]


def test_a_line_rings_only_once_the_screen_has_the_profile() -> None:
    assert move("waiting", "assigned", pushed=False) is None
    assert move("waiting", "assigned", pushed=True) == "connect"
    assert move("waiting", "offered") is None


def test_while_connecting_the_line_decides() -> None:
    assert move("connecting", "assigned", LegView("agent", "ringing", ANN)) is None
    assert move("connecting", "assigned", LegView("agent", "joined", ANN)) == "bridge"
    assert move("connecting", "assigned", LegView("agent", "ended", ANN)) == "fail_leg"
    assert move("connecting", "queued", LegView("agent", "ringing", ANN)) == "return"
    assert move("connecting", "assigned", LegView("agent", "ended", ANN, in_doubt=True)) is None
    assert move("connecting", "assigned", LegView("agent", "ended", ANN, came=True)) == "bridge"
    assert move("connecting", "assigned", LegView("agent", "ringing", ANN), holder=BEN) == "return"
    assert move("connecting", "closed", LegView("agent", "ringing", ANN)) == "end"


def test_who_leaves_the_bridge_ends_the_call_unless_somebody_else_is_there() -> None:
    gone = LegView("agent", "ended", ANN)
    asked = LegView("consult", "joined", BEN, asked=True)
    assert move("bridged", "assigned", gone) == "end"
    assert move("bridged", "assigned", gone, asked, consult="assigned", consultant=BEN) == "pass_on"
    assert move("bridged", "assigned", gone, LegView("outside", "joined", warm=True)) == "hand_on"
    assert move("bridged", "closed", gone, LegView("outside", "joined")) is None
    assert move("bridged", "closed", gone, LegView("outside", "ended")) == "end"
    assert move("bridged", "queued", LegView("agent", "joined", ANN)) == "return"


def test_a_blind_transfer_outside_releases_the_agent_and_a_warm_one_does_not() -> None:
    on = LegView("agent", "joined", ANN)
    assert move("bridged", "assigned", on, LegView("outside", "joined")) == "release"
    assert move("bridged", "assigned", on, LegView("outside", "joined", warm=True)) is None
    assert move("bridged", "assigned", on, LegView("outside", "ringing")) is None


def test_whom_the_holder_asks_is_rung_when_they_say_yes_and_forgotten_when_they_do_not() -> None:
    on = LegView("agent", "joined", ANN)
    assert move("bridged", "assigned", on, consult="queued", consult_waits=True) is None
    assert move("bridged", "assigned", on, consult="queued", consult_waits=False) == "drop_consult"
    assert move("bridged", "assigned", on, consult="assigned", consultant=BEN) == "consult"
    assert move("bridged", "assigned", on, consult="assigned", consultant=BEN, pushed=False) is None
    failed = LegView("consult", "ended", BEN, asked=True)
    assert move("bridged", "assigned", on, failed, consult="assigned", consultant=BEN) == "drop_consult"
    before = LegView("consult", "ended", BEN)
    assert move("bridged", "assigned", on, before, consult="assigned", consultant=BEN) == "consult"


def test_a_call_of_ours_rings_the_agent_then_the_customer() -> None:
    def view(*legs: LegView) -> object:
        return next_move(CallView("calling", "assigned", ANN, legs))

    on = LegView("agent", "joined", ANN)
    assert view() == "connect"
    assert view(LegView("agent", "answered", ANN)) is None
    assert view(on) == "call_customer"
    assert view(on, LegView("customer", "ringing")) is None
    assert view(on, ON) == "bridge"
    assert view(on, LegView("customer", "ended")) == "end"
    assert view(LegView("agent", "ended", ANN)) == "end"


def test_a_call_ends_in_one_way() -> None:
    assert outcome_of("in", "bridged", answered=True, recorded=False) == "answered"
    assert outcome_of("in", "waiting", answered=False, recorded=False) == "abandoned"
    assert outcome_of("in", "voicemail", answered=False, recorded=True) == "voicemail"
    assert outcome_of("in", "voicemail", answered=False, recorded=False) == "abandoned"
    assert outcome_of("out", "calling", answered=False, recorded=False) == "unanswered"


HOURS = Hours("Europe/Berlin", {"thu": (("09:00", "12:00"), ("13:00", "24:00"))}, ("2026-12-24",))


@pytest.mark.parametrize(
    ("at", "there"),
    [
        (datetime(2026, 11, 26, 8, 0, tzinfo=UTC), True),  # 09:00 in Berlin
        (datetime(2026, 11, 26, 7, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 26, 11, 0, tzinfo=UTC), False),  # lunch
        (datetime(2026, 11, 26, 22, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 26, 23, 0, tzinfo=UTC), False),  # Friday there
        (datetime(2026, 12, 24, 9, 0, tzinfo=UTC), False),  # a holiday
        (datetime(2026, 7, 2, 7, 0, tzinfo=UTC), True),  # summer time
    ],
)
def test_business_hours_are_those_of_their_time_zone(at: datetime, there: bool) -> None:
    closed = VoiceLine(hours=HOURS, closed_voicemail=False)
    assert way_in(closed, at) == ("queue" if there else "turned_away")


def test_digits_lead_through_the_menu_and_silence_to_anybody() -> None:
    deep = Menu("Deep", {"1": Option("New", "billing"), "*": Option("Word", voicemail=True)}, tries=1)
    line = VoiceLine(menu=Menu("Top", {"1": Option("Sales", "sales"), "2": Option("Bills", menu=deep)}))
    assert choose(line, "", 0, "1").queue == "sales"
    further = choose(line, "", 0, "2")
    assert (further.way, further.path, further.titles) == ("menu", "2", ("Bills",))
    assert choose(line, "2", 0, "1").titles == ("Bills", "New")
    assert choose(line, "2", 0, "*").way == "voicemail"
    assert choose(line, "2", 0, "").way == "queue"
    assert (choose(line, "", 0, "7").way, choose(line, "", 0, "7").tries) == ("menu", 1)
    assert choose(line, "", 1, "").way == "queue"
    assert place("*#1", 2) == "sh1.2"
