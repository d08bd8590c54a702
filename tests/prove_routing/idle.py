"""Whether an agent was left idle while work they could have had waited: judged from the history, at every event.

Shares no code with the product. An agent counts as idle as soon as one slot is free, and a contact as waiting from its
arrival, whoever was still busy with it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from heapq import heappop, heappush

from msgspec import Struct

EXCLUDED_SECONDS = 30.0
"""Who declined is not asked again before others were, for so long."""


class Waits(Struct, frozen=True):
    """A contact that waits in this queue, from a time to another."""

    contact: str
    queue: str
    since: float
    until: float


class Busy(Struct, frozen=True):
    """An agent's slot that is taken, by an offer or a hold. `declined`: and then it was not wanted."""

    agent: str
    contact: str
    since: float
    until: float
    declined: bool = False


class There(Struct, frozen=True):
    """An agent who may be given work, from a time to another."""

    agent: str
    since: float
    until: float


class Staff(Struct, frozen=True):
    """How many slots an agent has, and whom they serve."""

    slots: int
    queues: frozenset[str]


class Idle(Struct, frozen=True):
    """The longest time an agent had a free slot while something eligible waited."""

    seconds: float
    agent: str
    at: float
    events: int


@dataclass
class _State:
    """As of one moment."""

    waiting: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    taken: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    there: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    excluded: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def could_work(self, agent: str, staff: Staff) -> bool:
        """A slot is free, they are there, and something waits that they have not declined."""
        if not self.there[agent] or self.taken[agent] >= staff.slots:
            return False
        declined = {contact for contact, times in self.excluded[agent].items() if times > 0}
        return any(self.waiting[queue] and not self.waiting[queue] <= declined for queue in staff.queues)


Event = tuple[float, int, str, tuple[str, str], int]
"""When, what goes first at one moment, and what changes by how much."""


def longest_idle(staff: dict[str, Staff], waits: list[Waits], busy: list[Busy], there: list[There]) -> Idle:
    """Go through every event in order."""
    events = _events(waits, busy, there)
    state, since, worst, count = _State(), dict[str, float](), Idle(0.0, "", 0.0, 0), len(events)
    while events:
        at = events[0][0]
        while events and events[0][0] == at:
            _apply(state, heappop(events))
        for agent, known in staff.items():
            if state.could_work(agent, known):
                since.setdefault(agent, at)
            elif agent in since:
                began = since.pop(agent)
                worst = max(worst, Idle(at - began, agent, began, count), key=lambda idle: idle.seconds)
    return Idle(worst.seconds, worst.agent, worst.at, count)


def _events(waits: list[Waits], busy: list[Busy], there: list[There]) -> list[Event]:
    events: list[Event] = []
    for one in waits:
        heappush(events, (one.since, 1, "waiting", (one.queue, one.contact), 1))
        heappush(events, (one.until, 0, "waiting", (one.queue, one.contact), -1))
    for each in busy:
        heappush(events, (each.since, 0, "taken", (each.agent, ""), 1))
        heappush(events, (each.until, 1, "taken", (each.agent, ""), -1))
        if each.declined:
            heappush(events, (each.until, 0, "excluded", (each.agent, each.contact), 1))
            heappush(events, (each.until + EXCLUDED_SECONDS, 1, "excluded", (each.agent, each.contact), -1))
    for span in there:
        heappush(events, (span.since, 1, "there", (span.agent, ""), 1))
        heappush(events, (span.until, 0, "there", (span.agent, ""), -1))
    return events


def _apply(state: _State, event: Event) -> None:
    _, _, what, (one, other), by = event
    match what:
        case "waiting":
            (state.waiting[one].add if by > 0 else state.waiting[one].discard)(other)
        case "taken":
            state.taken[one] += by
        case "there":
            state.there[one] += by
        case _:
            state.excluded[one][other] += by
