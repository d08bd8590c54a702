"""What a simulation is given, and what comes out of it. Times in seconds from its beginning."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from model.agent import WorkClass
from router.rank import Selection
from router.skills import SkillLevel, Skills


class Arrival(Struct, frozen=True):
    """A contact that will come. `patience` None: it waits for ever."""

    at: float
    queue: str
    work_class: WorkClass = "voice"
    handling: float = 0.0
    patience: float | None = None
    skills: tuple[SkillLevel, ...] = ()
    priority: int = 0


class Shift(Struct, frozen=True):
    """When an agent is there, and for what. `end` None: to the last; `total`: at once, whatever their class.

    `accepts_after` None: as the terms say.
    """

    agent: str
    queues: frozenset[str]
    slots: Mapping[WorkClass, int]
    begin: float = 0.0
    end: float | None = None
    skills: Skills = {}
    total: int | None = None
    accepts_after: float | None = None


class Terms(Struct, frozen=True):
    """How queues and agents behave. `away`: how long one who missed an offer takes nothing.

    `priority_bonus`: how much older a step of priority makes a contact.
    """

    offer: float = 20.0
    accept: float = 0.0
    wrap_up: float = 0.0
    away: float = 60.0
    priority_bonus: int = 120
    selection: Selection = "longest_idle"


class Outcome(Struct, frozen=True):
    """What became of a contact. `agent`: who answered; `offered`: when last; `left`: the customer gave up.

    `finished`: the agent was done with the customer; `closed`: and with wrap-up. `offers`: how many were made.
    """

    agent: str | None
    offered: float | None
    answered: float | None
    left: float | None
    finished: float | None
    closed: float | None
    offers: int
