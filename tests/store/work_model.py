"""Contacts and agents as random work should leave them: a small pure model, and what it is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from model.agent import Actor, PresenceStatus
from model.contact import ContactState

# A contact is known by the number its customer wrote from: each number is one leaf's, whatever was merged.
LIVE = """
select h.value as phone, c.id, c.state, coalesce(c.agent_id, o.agent_id) as agent, c.shown,
       c.due_at is not null as deadline, c.preview_direction = 'out' as answered, o.id as offer, c.conversation_id,
       c.queue_id as queue, c.arrived_at, a.id as asked, c.prefer_agent_id as preferred
  from contact c join handle h on h.customer_id = c.customer_id
       left join offer o on o.contact_id = c.id and o.state = 'pending'
       left join handover a on a.contact_id = c.id and a.ended_at is null
 where c.state not in ('abandoned', 'closed')
"""
TALKS = """
select h.value as phone, h.customer_id, m.root_id, count(distinct e.id) filter (where e.direction = 'in') as said,
       count(distinct v.id) as talks, bool_or(v.status <> 'closed') as open,
       (select s.seq from stream s where s.kind = 1 and s.id = m.root_id) as seq
  from handle h join customer m on m.id = h.customer_id join entry e on e.customer_id = h.customer_id
       join conversation v on v.customer_id = h.customer_id
 group by h.value, h.customer_id, m.root_id
"""
URGENT: Final = "urgent"
RULE_SETS: Final[dict[str, list[dict[str, object]]]] = {
    "urgent by hand": [
        {"name": "urgent", "when": {"field": "text", "contains": URGENT}, "queue": "general", "priority": 5},
        {"name": "rest", "queue": "auto"},
    ],
    "hello outright": [{"name": "hello", "when": {"not": {"field": "text", "contains": URGENT}}, "queue": "auto"}],
    "by account": [
        {"name": "auto", "when": {"field": "account", "is": "sms-auto"}, "queue": "auto", "priority": -2},
        {"name": "rest", "queue": "general"},
    ],
}
"""By name, what is published. The cases of `queue_by`."""
LOOKED_AT: Final = 20
"""Messages that rules look at."""


def queue_by(rules: str | None, default: str, said: Sequence[str]) -> str:
    """Where the rules of this name send a contact of whom this was said."""
    urgent = any(URGENT in text for text in said[-LOOKED_AT:])
    match rules:
        case "urgent by hand":
            return "general" if urgent else "auto"
        case "hello outright":
            return default if urgent else "auto"
        case _:
            return default


@dataclass
class Asking:
    """A handover: `agent` is asked to take a contact over. `late`: the time to answer has passed."""

    id: UUID
    agent: UUID
    late: bool = False


@dataclass
class Held:
    """A live contact. `agent`: holds it, or it rings there. `over`: its time has passed.

    `first`: who is to have it before others, in order; `parked_by`: the first of them had it parked, and gets it
    outright. `passed`: who declined or missed it since it was last held. `since`: the step it arrived at.
    """

    id: UUID
    phone: str
    talk: UUID
    default: str
    since: int
    arrived_at: Any
    state: ContactState = "new"
    queue: str | None = None
    unrouted: bool = True
    handed: bool = False
    agent: UUID | None = None
    first: list[UUID] = field(default_factory=list)
    outright: bool = False
    passed: set[UUID] = field(default_factory=set)
    offer: UUID | None = None
    shown: bool = True
    answered: bool = False
    deadline: bool = False
    over: bool = False
    asking: Asking | None = None

    @property
    def asked(self) -> UUID | None:
        """The handover that is under way."""
        return self.asking.id if self.asking else None

    @property
    def timed(self) -> bool:
        """Whether something happens to it when time passes."""
        return self.deadline or self.offer is not None or (self.asking is not None and not self.asking.late)

    def become(self, state: ContactState) -> None:
        """Another state by the hand of an agent or a sweep: wrap-up alone has a deadline."""
        self.state, self.offer, self.shown, self.over = state, None, True, False
        self.deadline = state == "wrapping"
        self.agent = self.agent if state in ("assigned", "wrapping", "parked") else None
        self.asking = self.asking if state in ("assigned", "parked") else None
        if state != "queued":
            self.first, self.passed, self.outright = [], set(), False

    def taken_over(self) -> None:
        """Whom its holder asked has it."""
        assert self.asking is not None
        self.agent, self.asking = self.asking.agent, None
        self.become("assigned")
        self.deadline = self.answered

    def hand_back(self, passed_over: UUID | None = None) -> None:
        """Nobody holds it any more, and it waits."""
        self.become("queued")
        self.first, self.passed, self.outright = [], {passed_over} if passed_over else set(), False

    def pass_over(self, agent: UUID) -> None:
        """Whom it rang for did not take it."""
        self.become("queued")
        self.passed.add(agent)
        if self.first and self.first[0] == agent:
            self.first.pop(0)
            self.outright = bool(self.first)

    def hear(self, step: int) -> None:
        """The customer wrote again."""
        self.answered = False
        if self.state in ("assigned", "wrapping") and self.shown:
            self.deadline = self.over = False
        if self.state == "wrapping":
            self.state = "assigned"
        elif self.state == "parked":
            self.state, self.first, self.outright, self.agent = "queued", [self.agent] if self.agent else [], True, None
            self.since, self.asking = step, None
        self.unrouted = self.unrouted or self.state == "queued"


@dataclass
class Seat:
    """An agent, what they chose, and their screens."""

    actor: Actor
    presence: PresenceStatus = "available"
    screens: list[UUID] = field(default_factory=list)
    long_gone: bool = False
    slots: int = 2

    @property
    def routable(self) -> bool:
        """Whether work may go there."""
        return self.presence == "available" and bool(self.screens)

    @property
    def away(self) -> bool:
        """Whether nobody waits for their answer any more."""
        return self.presence != "available" or self.long_gone


def unanswered(live: Iterable[Held], seats: Sequence[Seat]) -> list[Held]:
    """What nobody waits to take over any more: the time to answer has passed, or who is asked is not there."""
    away = {seat.actor.id for seat in seats if seat.away}
    return [held for held in live if held.asking and (held.asking.late or held.asking.agent in away)]


def settle(working: list[Held], seats: list[Seat]) -> None:
    """What a sweep does with what is over, and with the work of who is not there; all judged as it was found."""
    missed: list[Seat] = []
    for held in working:
        seat = next(each for each in seats if each.actor.id == held.agent)
        left = seat.presence == "offline" or seat.long_gone
        if held.state == "offered" and held.over:
            missed.append(seat)
            held.pass_over(seat.actor.id)
        elif held.state == "offered" and seat.away:
            held.become("queued")
        elif held.state == "wrapping" and (held.over or left):
            held.become("closed")
        elif held.state == "assigned" and held.over:
            if held.shown:
                held.become("parked")
            else:
                held.hand_back(seat.actor.id)
        elif held.state == "assigned" and left:
            if held.answered:
                held.become("parked")
            else:
                held.hand_back()
    for seat in missed:
        seat.presence = "away" if seat.presence == "available" else seat.presence


def take_over(held: Held, row: Any, seats: list[Seat], *, room: bool) -> None:
    """What dispatch chose for a contact that waited, if it was free to (INV15: others before who passed).

    `room`: somebody could take anything at all; else it looked at no contact, and nobody is asked again for it.
    """
    held.state, held.agent, held.offer = row["state"], row["agent"], row["offer"]
    assert held.state in ("queued", "offered", "assigned")
    there = {seat.actor.id for seat in seats if seat.routable}
    all_passed = len(held.passed) > 1 and there <= held.passed
    if held.state == "queued":
        _forget_absent(held, row["preferred"], seats)
        held.passed = set() if all_passed and there and room else held.passed
        return
    assert held.agent in there, "given to an agent who is not there"
    may_be_asked_again = all_passed or held.agent in held.first
    assert held.agent not in held.passed or may_be_asked_again, "asked again before others were"
    if held.first:
        absent = {seat.actor.id for seat in seats if seat.presence == "offline"}
        before = held.first[: held.first.index(held.agent)] if held.agent in held.first else held.first
        assert set(before) <= absent, "given past whom it was meant for"
    mine = held.outright and held.first[:1] == [held.agent]
    if held.state == "assigned":
        assert held.queue == "auto" or mine or held.agent in held.first[1:], "given outright without a reason"
        held.first, held.passed, held.outright = [], set(), False
        held.shown, held.deadline = False, True
    else:
        handed_on = bool(held.first) and not held.outright
        assert not mine, "held out to whom it belongs"
        assert held.queue != "auto" or handed_on, "held out, though its queue gives outright"
        held.passed = set() if all_passed else held.passed
        held.first = held.first[held.first.index(held.agent) :] if held.agent in held.first else []


def _forget_absent(held: Held, preferred: UUID | None, seats: Sequence[Seat]) -> None:
    """Dispatch looked, and whom it was meant for was not there: it waits for the next of them, or anybody."""
    absent = {seat.actor.id for seat in seats if seat.presence == "offline"}
    while held.first and held.first[0] != preferred:
        assert held.first[0] in absent, "no longer meant for who is there"
        held.first.pop(0)
        held.outright = bool(held.first)


def oldest(contacts: Iterable[Held]) -> Held | None:
    """The contact that a message joins where its own conversation has none."""
    return min(contacts, key=lambda held: (held.arrived_at, held.id), default=None)
