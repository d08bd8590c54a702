"""The call machine: one table, and what has to be done where a call, its contact and its legs do not fit together.

Reports come late, twice and in any order, and other parts of the product end or hand back a contact without knowing of
calls. So nothing is done because a report came: a report moves a leg forward, and `next_move` says what that means.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.call import CallOutcome, CallState, LegRole, LegState
from model.contact import ContactState
from router.contact import ENDED, OWNED

CallStepEvent = Literal[
    "enqueued",  # the caller waits for an agent
    "overflowed",  # nobody was there in time: the voicemail
    "accepted",  # an agent took the contact: their line is rung
    "bridged",  # both are in the conference
    "returned",  # the agent's line failed, or the contact was handed back or on: the caller waits again
    "hung_up",  # one of them is gone, or we ended it
]

TRANSITIONS: dict[tuple[CallState, CallStepEvent], CallState] = {
    ("menu", "enqueued"): "waiting",
    ("menu", "overflowed"): "voicemail",
    ("menu", "hung_up"): "ended",
    ("waiting", "accepted"): "connecting",
    ("waiting", "overflowed"): "voicemail",
    ("waiting", "hung_up"): "ended",
    ("connecting", "bridged"): "bridged",
    ("connecting", "returned"): "waiting",
    ("connecting", "hung_up"): "ended",
    ("bridged", "returned"): "waiting",
    ("bridged", "hung_up"): "ended",
    ("voicemail", "hung_up"): "ended",
    ("calling", "bridged"): "bridged",
    ("calling", "hung_up"): "ended",
}

LEG_ORDER: tuple[LegState, ...] = ("wanted", "dialing", "ringing", "answered", "joined", "ended")

Move = Literal[
    "connect",  # ring the holder's line
    "call_customer",  # the agent is on the line: ring the customer
    "bridge",
    "fail_leg",  # the holder's line failed: hand the contact back
    "return",  # nobody holds it any more: the caller waits
    "pass_on",  # the holder left to whom they asked: that one has it now
    "hand_on",  # the holder left to an outside number: the two go on without us
    "end",
    "release",  # the outside number is on the line: the holder need not stay
    "consult",  # ring the line of whom the holder asks to take over
    "drop_consult",  # they will not: the holder keeps it
    "end_legs",  # a leg lives on after its call
    "end_contact",  # a contact is live after its call
]


class LegView(Struct, frozen=True):
    """As much of a leg as decides."""

    role: LegRole
    state: LegState
    agent: UUID | None = None
    warm: bool = False
    asked: bool = False
    """Of a consult: it is the line of whom the holder asks now."""
    came: bool = False
    """It was in the conference, whatever was reported first."""
    in_doubt: bool = False
    """It ended a moment ago after it had been sent there: whether it came may still be reported."""

    @property
    def live(self) -> bool:
        """Whether it may still be on the line."""
        return self.state != "ended"


class CallView(Struct, frozen=True):
    """As much of a call as decides. `holder`: who holds its contact; legs oldest first."""

    state: CallState
    contact: ContactState
    holder: UUID | None
    legs: tuple[LegView, ...]
    consult: ContactState | None = None
    consultant: UUID | None = None
    consult_waits: bool = False
    """Whom the holder asks may still say yes."""
    pushed: bool = True
    """The holder's screen has the profile: only then their line may ring."""

    def leg(self, role: LegRole) -> LegView | None:
        """The newest leg of this role."""
        return next((leg for leg in reversed(self.legs) if leg.role == role), None)


def advance(state: CallState, event: CallStepEvent) -> CallState | None:
    """The state after `event`, or None where the event means nothing in `state`."""
    return TRANSITIONS.get((state, event))


def moves_forward(before: LegState, after: LegState) -> bool:
    """Whether a report of `after` says something new of a leg that is `before`."""
    return LEG_ORDER.index(after) > LEG_ORDER.index(before)


def next_move(view: CallView) -> Move | None:
    """What has to be done first; None where everything fits."""
    if view.state == "ended":
        return _after_the_end(view)
    customer = view.leg("customer")
    if customer is not None and not customer.live:
        return "end"
    if view.state in ("menu", "voicemail"):
        return "end" if view.state == "menu" and view.contact in ENDED else None
    outside = view.leg("outside")
    if view.contact in ENDED or view.contact == "wrapping":
        return None if _joined(outside) else "end"
    if view.state == "calling":
        return _while_calling(view)
    if view.state == "waiting":
        return "connect" if view.contact == "assigned" and view.pushed else None
    return _while_held(view)


def _after_the_end(view: CallView) -> Move | None:
    if any(leg.live for leg in view.legs):
        return "end_legs"
    alive = [state for state in (view.contact, view.consult) if state is not None]
    return "end_contact" if any(state not in ENDED and state != "wrapping" for state in alive) else None


def _while_calling(view: CallView) -> Move | None:
    agent, customer = view.leg("agent"), view.leg("customer")
    if view.holder is None or (agent is not None and not agent.live):
        return "end"
    if agent is None:
        return "connect"
    if _joined(agent) and customer is None:
        return "call_customer"
    return "bridge" if _joined(agent) and _joined(customer) else None


def _while_held(view: CallView) -> Move | None:
    agent = view.leg("agent")
    if view.holder is None or view.contact not in OWNED or (agent is not None and agent.agent != view.holder):
        return "return"
    if view.state == "connecting":
        if agent is not None and (_joined(agent) or agent.came):
            return "bridge"
        lost = agent is None or not (agent.live or agent.in_doubt)
        return "fail_leg" if lost else None
    asked = _while_asked(view) if view.consult is not None else None
    if asked is not None:
        return asked
    outside = view.leg("outside")
    if agent is not None and agent.live:
        return "release" if outside is not None and _joined(outside) and not outside.warm else None
    if view.consultant is not None and _joined(_asked(view)):
        return "pass_on"
    return "hand_on" if _joined(outside) else "end"


def _while_asked(view: CallView) -> Move | None:
    """The holder asks somebody to take over, who has a contact of their own."""
    line = _asked(view)
    if view.consult == "assigned":
        if line is None:
            return "consult" if view.pushed else None
        return None if line.live else "drop_consult"
    return None if view.consult_waits or view.consult == "offered" else "drop_consult"


def _asked(view: CallView) -> LegView | None:
    return next((leg for leg in reversed(view.legs) if leg.asked), None)


def _joined(leg: LegView | None) -> bool:
    return leg is not None and leg.state == "joined"


def outcome_of(direction: Literal["in", "out"], state: CallState, *, answered: bool, recorded: bool) -> CallOutcome:
    """How a call in this state ends when it ends now."""
    if answered:
        return "answered"
    if direction == "out":
        return "unanswered"
    return "voicemail" if state == "voicemail" and recorded else "abandoned"
