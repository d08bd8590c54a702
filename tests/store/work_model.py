"""Contacts and agents as random work should leave them: a small pure model, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from model.agent import Actor, PresenceStatus
from model.contact import ContactState

LIVE = """
select h.value as phone, c.id, c.state, coalesce(c.agent_id, o.agent_id) as agent, c.shown,
       c.due_at is not null as deadline, c.preview_direction = 'out' as answered, o.id as offer, c.conversation_id
  from contact c join handle h on h.id = c.handle_id left join offer o on o.contact_id = c.id and o.state = 'pending'
 where c.state not in ('abandoned', 'closed')
"""
TALKS = """
select h.value as phone, h.customer_id, count(distinct e.id) filter (where e.direction = 'in') as said,
       count(distinct v.id) as talks, bool_or(v.status <> 'closed') as open
  from handle h join entry e on e.customer_id = h.customer_id join conversation v on v.customer_id = h.customer_id
 group by h.value, h.customer_id
"""


@dataclass
class Held:
    """A live contact. `agent`: holds it, or it rings there. `owner`: who had it parked. `over`: its time has passed."""

    id: UUID
    talk: UUID
    auto: bool
    state: ContactState = "new"
    agent: UUID | None = None
    owner: UUID | None = None
    offer: UUID | None = None
    shown: bool = True
    answered: bool = False
    deadline: bool = False
    over: bool = False

    def become(self, state: ContactState) -> None:
        """Another state by the hand of an agent or a sweep: wrap-up alone has a deadline."""
        self.state, self.offer, self.shown, self.over = state, None, True, False
        self.deadline = state == "wrapping"
        self.agent = self.agent if state in ("assigned", "wrapping", "parked") else None

    def hear(self) -> None:
        """The customer wrote again."""
        self.answered = False
        if self.state in ("assigned", "wrapping") and self.shown:
            self.deadline = self.over = False
        if self.state == "wrapping":
            self.state = "assigned"
        elif self.state == "parked":
            self.state, self.owner, self.agent = "queued", self.agent, None


@dataclass
class Seat:
    """An agent, what they chose, and their screens."""

    actor: Actor
    presence: PresenceStatus = "available"
    screens: list[UUID] = field(default_factory=list)
    long_gone: bool = False

    @property
    def routable(self) -> bool:
        return self.presence == "available" and bool(self.screens)


def settle(working: list[Held], seats: list[Seat]) -> None:
    """What a sweep does with what is over, and with the work of who is not there; all judged as it was found."""
    missed: list[Seat] = []
    for held in working:
        seat = next(each for each in seats if each.actor.id == held.agent)
        left = seat.presence == "offline" or seat.long_gone
        if held.state == "offered" and (held.over or left or seat.presence != "available"):
            missed += [seat] if held.over else []
            held.become("queued")
        elif held.state == "wrapping" and (held.over or left):
            held.become("closed")
        elif held.state == "assigned" and held.over:
            held.become("parked" if held.shown else "queued")
        elif held.state == "assigned" and left:
            held.become("parked" if held.answered else "queued")
    for seat in missed:
        seat.presence = "away" if seat.presence == "available" else seat.presence


def take_over(held: Held, row: Any, seats: list[Seat]) -> None:
    """What dispatch chose for a contact that waited, if it was free to."""
    held.state, held.agent, held.offer = row["state"], row["agent"], row["offer"]
    assert held.state in ("queued", "offered", "assigned")
    if held.state == "queued":
        return
    seat = next(each for each in seats if each.actor.id == held.agent)
    assert seat.routable, "given to an agent who is not there"
    if held.state == "assigned":
        assert held.auto or held.agent == held.owner, "given outright without a reason"
        held.shown, held.deadline = False, True
    else:
        assert not held.auto, "held out, though its queue gives outright"
    held.owner = None
