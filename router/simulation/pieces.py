"""Contacts, agents and offers while a simulation runs: each asks its machine whether something may happen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from model.agent import WorkClass
from model.contact import ContactState
from model.offer import OfferState
from router import contact as contact_machine
from router import offer as offer_machine
from router.contact import ContactEvent
from router.offer import OfferEvent
from router.rank import FreeAgent, Room, Waiting
from router.simulation.given import Arrival, Outcome, Shift, Terms

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""What second 0 is to the machines."""
LONGEST_SECONDS = 10**9
"""Later than any second that can be simulated."""


def instant(seconds: float) -> datetime:
    """This second as the machines read it."""
    return BEGINNING + timedelta(seconds=seconds)


class Contact:
    """A contact and where it stands."""

    __slots__ = (
        *("answered", "arrival", "closed", "declined_until", "fence", "finished", "left", "offer", "offered"),
        *("offers", "state", "waits"),
    )

    def __init__(self, number: int, arrival: Arrival, need: int, terms: Terms) -> None:
        self.arrival = arrival
        self.state: ContactState = "new"
        self.fence = 0
        self.waits = Waiting(
            id=UUID(int=number),
            need=need,
            work_class=arrival.work_class,
            weight=1,
            order_key=round((arrival.at - arrival.priority * terms.priority_bonus) * 1_000_000),
            queue=arrival.queue,
            skills=arrival.skills,
            selection=terms.selection,
        )
        self.declined_until = 0.0
        self.offer: Offer | None = None
        self.offers = 0
        self.offered: float | None = None
        self.answered: float | None = None
        self.left: float | None = None
        self.finished: float | None = None
        self.closed: float | None = None

    def step(self, event: ContactEvent) -> bool:
        """Whether the machine lets it happen; if so it has."""
        after = contact_machine.advance(self.state, event, self.arrival.work_class)
        if after is None:
            return False
        self.fence += after == "queued"
        self.state = after
        return True

    def outcome(self) -> Outcome:
        """What has become of it."""
        agent = self.offer.agent.name if self.offer is not None and self.answered is not None else None
        return Outcome(agent, self.offered, self.answered, self.left, self.finished, self.closed, self.offers)


class Agent:
    """An agent as the router sees them."""

    __slots__ = (
        *("away_until", "given_at", "id", "idle_since", "name", "needs", "number", "ringing", "seen", "shift"),
        *("total", "used"),
    )

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.id = UUID(int=number)
        self.name = name
        self.shift: Shift | None = None
        self.needs: frozenset[int] = frozenset()
        self.used: dict[WorkClass, int] = {}
        self.total = 0
        self.idle_since = 0.0
        self.away_until = 0.0
        self.given_at: dict[str, datetime | None] = {}
        self.ringing: dict[UUID, Offer] = {}
        self.seen: FreeAgent | None = None
        """As rank takes them, until they change."""

    def take(self, contact: Contact, now: float) -> None:
        """Capacity is taken; they go behind the others."""
        work_class = contact.arrival.work_class
        self.used[work_class] = self.used.get(work_class, 0) + 1
        self.total += 1
        self.idle_since = now
        self.given_at[contact.arrival.queue] = instant(now)

    def release(self, contact: Contact) -> None:
        """Capacity is given back."""
        self.used[contact.arrival.work_class] -= 1
        self.total -= 1

    def has_room(self, now: float) -> bool:
        """Whether they can be given anything at all."""
        shift = self.shift
        if shift is None or now < self.away_until or (shift.total is not None and self.total >= shift.total):
            return False
        used = self.used
        return any(slots > used.get(work_class, 0) for work_class, slots in shift.slots.items())

    def view(self) -> FreeAgent:
        """As rank takes them, while they are there."""
        if self.seen is None and self.shift is not None:
            self.seen = self._view(self.shift)
        if self.seen is None:
            raise LookupError(f"{self.name} is not there")
        return self.seen

    def _view(self, shift: Shift) -> FreeAgent:
        free = {work_class: max(slots - self.used.get(work_class, 0), 0) for work_class, slots in shift.slots.items()}
        return FreeAgent(
            id=self.id,
            idle_since=instant(self.idle_since),
            room=Room(free, None if shift.total is None else max(shift.total - self.total, 0)),
            needs=self.needs,
            queues={queue: self.given_at.get(queue) for queue in shift.queues},
            skills=shift.skills,
            slots=shift.slots,
        )


class Offer:
    """A contact held out to an agent; accepted, it is the hold."""

    __slots__ = ("agent", "contact", "expires_at", "state")

    def __init__(self, contact: Contact, agent: Agent, expires_at: float) -> None:
        self.contact = contact
        self.agent = agent
        self.expires_at = expires_at
        self.state: OfferState = "pending"

    def step(self, event: OfferEvent, now: float) -> bool:
        """Whether the machine lets it happen; if so it has."""
        after = offer_machine.advance(self.state, event, now=instant(now), expires_at=instant(self.expires_at))
        if after is None:
            return False
        self.state = after
        return True
