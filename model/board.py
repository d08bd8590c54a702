"""What supervisors see of queues and agents: how many wait, who is there, and what each has. Ids only, no customers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.agent import Capacity, Presence, Role, WorkClass


class QueueToday(Struct, frozen=True):
    """Of the contacts that arrived today. `service_level`: answered in time, of all that were answered or abandoned."""

    answered: int = 0
    abandoned: int = 0
    answered_in_time: int = 0
    average_wait_seconds: float | None = None
    service_level: float | None = None
    breached: int = 0
    """Conversations whose promise was broken today."""


class BoardQueue(Struct, frozen=True):
    """A queue now. `longest_since`: when who waits longest arrived; `available`: agents who may be offered work."""

    id: str
    name: str
    waiting: int
    longest_since: datetime | None
    offered: int
    held: int
    available: int
    today: QueueToday


class BoardContact(Struct, frozen=True):
    """What an agent has: it rings for them, or is theirs. `since`: it rings, or has been in this state."""

    contact: UUID
    queue: str | None
    work_class: WorkClass
    state: Literal["offered", "assigned", "wrapping", "parked"]
    since: datetime


class BoardAgent(Struct, frozen=True):
    """An agent now. What is parked takes no slot."""

    id: UUID
    name: str
    role: Role
    presence: Presence
    capacity: dict[WorkClass, Capacity]
    contacts: tuple[BoardContact, ...]


class Board(Struct, frozen=True):
    """Everything, as of `at` by the database's clock."""

    at: datetime
    queues: tuple[BoardQueue, ...]
    agents: tuple[BoardAgent, ...]


class BoardChange(Struct, frozen=True):
    """What is new or different since the board before, whole lines; and who and what is there no more."""

    queues: tuple[BoardQueue, ...] = ()
    agents: tuple[BoardAgent, ...] = ()
    gone_queues: tuple[str, ...] = ()
    gone_agents: tuple[UUID, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.queues or self.agents or self.gone_queues or self.gone_agents)


def changes(before: Board, after: Board) -> BoardChange:
    """What a screen that shows `before` lacks of `after`."""
    queues, agents = {line.id: line for line in before.queues}, {line.id: line for line in before.agents}
    return BoardChange(
        tuple(line for line in after.queues if queues.get(line.id) != line),
        tuple(line for line in after.agents if agents.get(line.id) != line),
        tuple(sorted(queues.keys() - {line.id for line in after.queues})),
        tuple(sorted(agents.keys() - {line.id for line in after.agents})),
    )
