"""Which free agent takes which waiting contact. Pure: the same agents, contacts and time give the same pairs.

`reject` is the one place that says why an agent cannot take a contact; dispatch, explain and the simulator all ask it.
What it compares comes as `FreeAgent`, an agent as of one moment, and `Waiting`, a contact as of that moment. Who reads
them back from history leaves `needs` out: then queue and skills are compared themselves.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from model.agent import PresenceStatus, WorkClass
from router.skills import SkillLevel, Skills, lacking, met

Selection = Literal["longest_idle", "least_loaded", "round_robin"]
Against = Literal[
    "offline",  # they chose it
    "away",  # they chose it, or the server did
    "not_connected",  # no screen of theirs is there
    "not_preferred",  # somebody else is asked first, alone
    "need",  # nobody serves it: it is asked of one agent by name
    "queue",  # they do not serve the queue
    "skills",  # they lack what `skills` names
    "declined",  # they declined or missed it, and others come first
    "capacity",  # not enough slots of the class are free
    "total",  # their limit over all classes
    "queue_limit",  # their limit of live contacts of this queue
]
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Reason(Struct, frozen=True):
    """Why not. `skills`: those required that the agent lacks."""

    against: Against
    skills: tuple[SkillLevel, ...] = ()


class Room(Struct, frozen=True):
    """What is left of an agent's slots. `total`: over all classes; `queues`: contacts, of queues with a limit."""

    free: Mapping[WorkClass, int]
    total: int | None = None
    queues: Mapping[str, int] = {}


class FreeAgent(Struct, frozen=True):
    """An agent as of one moment.

    `needs`: ids of what they serve; None: as `queues` (with the time they were last given a contact of it, kept where
    it goes round) and `skills` say. `slots`: their capacity, of which `room` is left.
    """

    id: UUID
    idle_since: datetime
    room: Room
    needs: frozenset[int] | None = None
    queues: Mapping[str, datetime | None] = {}
    skills: Skills = {}
    slots: Mapping[WorkClass, int] = {}
    presence: PresenceStatus = "available"
    connected: bool = True


class Waiting(Struct, frozen=True):
    """A waiting contact. Lower `order_key` goes first; `preferred` restricts it to one agent.

    `need`: the id of what it requires: of contacts with the same, queue, class, weight, skills and selection are the
    same. `seats`: how many agents are asked at once.
    """

    id: UUID
    need: int
    work_class: WorkClass
    weight: int
    order_key: int
    declined_by: frozenset[UUID] = frozenset()
    preferred: UUID | None = None
    queue: str = ""
    skills: tuple[SkillLevel, ...] = ()
    prefers: tuple[SkillLevel, ...] = ()
    selection: Selection = "longest_idle"
    interruptible: bool = False
    seats: int = 1


class Pair(Struct, frozen=True):
    """This contact for this agent. `seat`: 0 for the first who is asked; others besides have the next."""

    contact: Waiting
    agent: UUID
    seat: int = 0


def reject(contact: Waiting, agent: FreeAgent, room: Room | None = None) -> Reason | None:
    """Why this agent cannot take the contact, or None: the first reason in the order of `Against`.

    `room`: what is left where it is less than the agent began with.
    """
    if agent.presence != "available":
        return Reason(agent.presence)
    if not agent.connected:
        return Reason("not_connected")
    if contact.preferred is not None:
        if agent.id != contact.preferred:
            return Reason("not_preferred")
    elif (why := _unserved(contact, agent)) is not None:
        return why
    if agent.id in contact.declined_by:
        return Reason("declined")
    return short_of(contact, room or agent.room)


def _unserved(contact: Waiting, agent: FreeAgent) -> Reason | None:
    if agent.needs is not None and contact.need in agent.needs:
        return None
    if contact.queue not in agent.queues:
        return Reason("queue")
    lacks = lacking(contact.skills, agent.skills)
    if lacks:
        return Reason("skills", lacks)
    return None if agent.needs is None else Reason("need")


def short_of(contact: Waiting, room: Room) -> Reason | None:
    """Which limit is in the way, or None where it fits."""
    if room.free.get(contact.work_class, 0) < contact.weight:
        return Reason("capacity")
    if room.total is not None and not contact.interruptible and room.total < contact.weight:
        return Reason("total")
    return Reason("queue_limit") if room.queues.get(contact.queue, 1) < 1 else None


def less(room: Room, contact: Waiting) -> Room:
    """What is left of it when this contact is taken."""
    free = {**room.free, contact.work_class: room.free.get(contact.work_class, 0) - contact.weight}
    total = room.total if room.total is None or contact.interruptible else room.total - contact.weight
    queues = room.queues
    if contact.queue in queues:
        queues = {**queues, contact.queue: queues[contact.queue] - 1}
    return Room(free, total, queues)


Standing = tuple[int, float, datetime, UUID]
"""An agent's place among those who can take a need: lower is asked first. It only ever rises while pairs are made."""


class Desk(Struct):
    """An agent while pairs are made: what is left, and what they were given. Explaining seats them again."""

    agent: FreeAgent
    room: Room
    turns: int = 0
    by_queue: dict[str, int] = field(default_factory=dict)

    def give(self, contact: Waiting) -> None:
        """It is theirs: less is left, and others go before them."""
        self.room = less(self.room, contact)
        self.turns += 1
        self.by_queue[contact.queue] = self.by_queue.get(contact.queue, 0) + 1

    def standing(self, contact: Waiting) -> Standing:
        """Their place for this contact."""
        agent = self.agent
        fit = -met(contact.prefers, agent.skills) if contact.prefers else 0
        if contact.selection == "round_robin":
            return fit, self.by_queue.get(contact.queue, 0), agent.queues.get(contact.queue) or LONG_AGO, agent.id
        if contact.selection == "least_loaded":
            slots = agent.slots.get(contact.work_class, 0)
            free = self.room.free.get(contact.work_class, 0)
            return fit, (slots - free) / slots if slots else 1.0, agent.idle_since, agent.id
        return fit, self.turns, agent.idle_since, agent.id


def rank(contacts: Iterable[Waiting], agents: Sequence[FreeAgent]) -> list[Pair]:
    """Pair contacts, in their order, each with the first among those who can take it.

    First is who has more of the preferred skills; then, by the queue's selection, who was idle longest, has the
    smallest part of their slots taken, or was given one of this queue longest ago. An agent who is given a contact
    goes behind all others. Ties break by id, so that processes agree. A contact nobody can take is passed over: it
    never blocks those behind it. Where several are asked at once, the others are asked with what is left over when
    every contact has had its turn.
    """
    desks = {agent.id: Desk(agent, agent.room) for agent in agents}
    lines: dict[int, list[Standing]] = {}
    pairs: list[Pair] = []
    for contact in sorted(contacts, key=lambda c: (c.order_key, c.id)):
        chosen = _choose(contact, desks, lines)
        if chosen is not None:
            desks[chosen].give(contact)
            pairs.append(Pair(contact, chosen))
    return pairs + [more for pair in pairs for more in _besides(pair, desks, lines)]


def _besides(pair: Pair, desks: dict[UUID, Desk], lines: dict[int, list[Standing]]) -> list[Pair]:
    """Who else is asked: never somebody twice."""
    contact = pair.contact
    asked = {pair.agent}
    more: list[Pair] = []
    while len(asked) < contact.seats and contact.preferred is None:
        others = replace(contact, declined_by=contact.declined_by | asked)
        chosen = _choose(others, desks, lines)
        if chosen is None:
            break
        desks[chosen].give(contact)
        more.append(Pair(contact, chosen, len(asked)))
        asked.add(chosen)
    return more


def _choose(contact: Waiting, desks: dict[UUID, Desk], lines: dict[int, list[Standing]]) -> UUID | None:
    if contact.preferred is not None:
        desk = desks.get(contact.preferred)
        return desk.agent.id if desk is not None and reject(contact, desk.agent, desk.room) is None else None
    line = lines.get(contact.need)
    if line is None:
        line = lines[contact.need] = [
            desk.standing(contact) for desk in desks.values() if _unserved(contact, desk.agent) is None
        ]
        heapq.heapify(line)
    return _first(contact, line, desks)


def _first(contact: Waiting, line: list[Standing], desks: dict[UUID, Desk]) -> UUID | None:
    """Pop until an agent fits; put back those refused only for this contact, drop those who have no room for any."""
    kept: list[Standing] = []
    chosen: UUID | None = None
    while line and chosen is None:
        standing = heapq.heappop(line)
        desk = desks[standing[-1]]
        now = desk.standing(contact)
        if standing < now:  # served meanwhile: back to its true place
            heapq.heappush(line, now)
            continue
        why = reject(contact, desk.agent, desk.room)
        if why is None:
            chosen = desk.agent.id
        if why is None or why.against == "declined":
            kept.append(now)
    for standing in kept:
        heapq.heappush(line, standing)
    return chosen
