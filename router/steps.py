"""A contact's plan while it waits: after so long since its arrival it asks for less, or goes elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from router.skills import SkillLevel


class PlanStep(Struct, frozen=True, omit_defaults=True):
    """From `after` seconds after arrival on: each of the others replaces what was there, None leaves it."""

    after: int
    skills: tuple[SkillLevel, ...] | None = None
    prefers: tuple[SkillLevel, ...] | None = None
    queue: str | None = None
    priority: int | None = None


class Preference(Struct, frozen=True):
    """One agent is asked first, alone, for so long after arrival: not when they are away, and not when it is over."""

    agent: UUID
    wait_seconds: int


class Ask(Struct, frozen=True):
    """What a contact asks for now."""

    queue: str
    priority: int
    skills: tuple[SkillLevel, ...] = ()
    prefers: tuple[SkillLevel, ...] = ()


class Course(Struct, frozen=True):
    """What it asks for now, what is still to come, and the queues of steps that are gone: those steps did nothing."""

    ask: Ask
    rest: tuple[PlanStep, ...]
    gone: tuple[str, ...] = ()


def follow(ask: Ask, steps: Sequence[PlanStep], waited: timedelta, queues: Collection[str]) -> Course:
    """Take every step that is due after this time. One to a queue that is not there is passed over whole."""
    gone: list[str] = []
    taken = 0
    for step in steps:
        if timedelta(seconds=step.after) > waited:
            break
        taken += 1
        if step.queue is not None and step.queue not in queues:
            gone.append(step.queue)
        else:
            ask = _after(ask, step)
    return Course(ask, tuple(steps[taken:]), tuple(gone))


def _after(ask: Ask, step: PlanStep) -> Ask:
    return Ask(
        queue=ask.queue if step.queue is None else step.queue,
        priority=ask.priority if step.priority is None else step.priority,
        skills=ask.skills if step.skills is None else step.skills,
        prefers=ask.prefers if step.prefers is None else step.prefers,
    )


def step_is_gone(rule: str | None, queue: str) -> str:
    """What whoever looks after the rules is told."""
    return f"rule {rule!r}: a step to the queue {queue!r}, which is gone, was passed over"
