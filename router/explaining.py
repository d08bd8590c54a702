"""Why an agent was chosen for an offer and the others were not, worked out again from how all were then. Pure.

It asks `router.rank`, which chose: what keeps an agent from a contact, and their place among those who can take it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from model.offer import OfferState
from router.rank import Against, Desk, FreeAgent, Reason, Waiting, reject
from router.skills import met

Why = Literal[
    Against,
    "chosen",
    "asked_too",  # another of those who were asked at once
    "prefers",  # could have taken it, and has fewer of the preferred skills
    "idle",  # was idle less long
    "loaded",  # had a larger part of their slots taken
    "turn",  # it was not yet their turn
    "tie",  # stood equal: the order of ids decides
    "passed",  # stood before the chosen one and could not be asked at that moment, or somebody chose by hand
]


class ExplainedAgent(Struct, frozen=True):
    """An agent as of an offer. `detail`: the reason in words, for people."""

    agent: UUID
    name: str
    chosen: bool
    reason: Why
    detail: str


class ExplainedOffer(Struct, frozen=True):
    """An offer with every agent as of its moment; none where nobody was chosen among, or it was not kept yet."""

    offer: UUID
    agent: UUID
    at: datetime
    outcome: OfferState
    agents: tuple[ExplainedAgent, ...]


class AsOf(Struct, frozen=True):
    """An agent as of the round that made an offer. `given`: what the round had given them before this contact.

    `note`: why they are away, as they said.
    """

    agent: FreeAgent
    name: str
    given: tuple[Waiting, ...] = ()
    note: str | None = None

    def desk(self) -> Desk:
        """As they stood when it was this contact's turn."""
        desk = Desk(self.agent, self.agent.room)
        for contact in self.given:
            desk.give(contact)
        return desk


def first(contact: Waiting, agents: Sequence[AsOf]) -> UUID | None:
    """Whom `rank` chooses among these; None: nobody can take it."""
    desks = [each.desk() for each in agents]
    able = [desk.standing(contact) for desk in desks if reject(contact, desk.agent, desk.room) is None]
    return min(able)[-1] if able else None


def explain(
    contact: Waiting, chosen: UUID, agents: Sequence[AsOf], asked_too: frozenset[UUID] = frozenset()
) -> tuple[ExplainedAgent, ...]:
    """Each agent with the reason: the chosen one, those who could have taken it in their order, then the others."""
    if contact.preferred != chosen:  # somebody took it by hand, or the preference had just ended
        contact = replace(contact, preferred=None)
    best = next((each.desk() for each in agents if each.agent.id == chosen), None)
    by_rank = first(contact, [each for each in agents if each.agent.id not in asked_too]) == chosen
    judged: list[tuple[Any, ExplainedAgent]] = []
    for each in agents:
        id_, desk = each.agent.id, each.desk()
        if id_ == chosen:
            why, detail = CHOSEN, _why(contact, desk) if by_rank else ""
        elif id_ in asked_too:
            why, detail = "asked_too", "Was asked at the same time."
        else:
            why, detail = _why_not(contact, each, desk, best)
        group = FIRST.index(why) if why in FIRST else len(FIRST) + (why not in COULD)
        standing = desk.standing(contact)[:-1] if why in COULD else ()
        judged.append(((group, standing, each.name, id_), ExplainedAgent(id_, each.name, id_ == chosen, why, detail)))
    return tuple(candidate for _, candidate in sorted(judged, key=lambda pair: pair[0]))


CHOSEN: Why = "chosen"
FIRST: tuple[Why, ...] = (CHOSEN, "asked_too")
COULD: frozenset[Why] = frozenset({"prefers", "idle", "loaded", "turn", "tie", "passed"})
"""Reasons of those who could have taken it: others came first."""


def _why(contact: Waiting, desk: Desk) -> str:
    """What speaks for who comes first."""
    agent = desk.agent
    if contact.preferred is not None:
        return "It was for them alone."
    skilled = f"Has {met(contact.prefers, agent.skills)} of {len(contact.prefers)} preferred skills. "
    told = skilled if contact.prefers else ""
    if contact.selection == "round_robin":
        return f"{told}It was their turn: {_turn(contact, agent)}."
    if contact.selection == "least_loaded":
        return f"{told}Had the smallest part of their slots taken: {_slots(contact, desk)}."
    return f"{told}Was idle longest: since {_clock(agent.idle_since)}."


def _why_not(contact: Waiting, as_of: AsOf, desk: Desk, best: Desk | None) -> tuple[Why, str]:
    reason = reject(contact, desk.agent, desk.room)
    return _behind(contact, desk, best) if reason is None else (reason.against, _against(contact, as_of, desk, reason))


def _behind(contact: Waiting, desk: Desk, best: Desk | None) -> tuple[Why, str]:
    """What put an agent who could have taken it behind the chosen one."""
    mine = desk.standing(contact)
    theirs = mine if best is None else best.standing(contact)
    if mine <= theirs:
        return "passed", "Could have taken it as well, and could not be asked at that moment, or it was taken by hand."
    differs = next(place for place in range(4) if mine[place] != theirs[place])
    agent = desk.agent
    if differs == 0:
        return "prefers", f"Has {met(contact.prefers, agent.skills)} of {len(contact.prefers)} preferred skills, fewer."
    if differs == 3:
        return "tie", "Stood equal: the order of ids decides."
    if contact.selection == "round_robin":
        when = _turn(contact, agent) if differs == 2 else "they had just been asked"
        return "turn", f"It was not yet their turn: {when}."
    if contact.selection == "least_loaded" and differs == 1:
        return "loaded", f"Had a larger part of their slots taken: {_slots(contact, desk)}."
    since = f"since {_clock(agent.idle_since)}" if differs == 2 else "they had just been asked for another"
    return "idle", f"Was idle less long: {since}."


def _against(contact: Waiting, as_of: AsOf, desk: Desk, reason: Reason) -> str:
    """A reason of `reject` in words."""
    match reason.against:
        case "away":
            return f"Was away: {as_of.note}." if as_of.note else "Was away."
        case "queue":
            return f"Did not serve the queue {contact.queue}."
        case "skills":
            return f"Lacked {', '.join(f'{each.skill} at level {each.level}' for each in reason.skills)}."
        case "capacity":
            return f"Too few slots were free for a weight of {contact.weight}: {_slots(contact, desk)}."
        case "queue_limit":
            return f"Had as many of the queue {contact.queue} as they may have at once."
        case other:
            return WORDS[other]


WORDS = {
    "offline": "Was offline.",
    "not_connected": "No screen of theirs was connected.",
    "not_preferred": "It was for another agent alone.",
    "need": "Nobody serves it: it was for one agent by name.",
    "declined": "Had declined or missed it before.",
    "total": "Had too little left of their limit over all classes.",
}


def _slots(contact: Waiting, desk: Desk) -> str:
    slots = desk.agent.slots.get(contact.work_class, 0)
    return f"{slots - desk.room.free.get(contact.work_class, 0)} of {slots} for {contact.work_class} were taken"


def _turn(contact: Waiting, agent: FreeAgent) -> str:
    given = agent.queues.get(contact.queue)
    return f"last given one of {contact.queue} at {_clock(given)}" if given else f"never given one of {contact.queue}"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
