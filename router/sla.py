"""Clocks of first response and resolution: when they run, what they have counted, what is to be told when. Pure.

A clock runs while the customer waits for us, in the business time of its policy. It is stopped and started at the
instants at which the conversation turned, however late these are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from model.customer import ConversationStatus
from model.sla import Measure
from model.voice_line import Hours
from router.business_time import BusinessTime

MEASURES: Final[tuple[Measure, ...]] = ("first_response", "resolution")
Seconds = Annotated[int, Meta(ge=1, le=31_536_000)]
What = Literal["warning", "breach"]


class PriorityTarget(Struct, frozen=True, forbid_unknown_fields=True):
    """Other targets for contacts of this priority and above; what is left out is the policy's own."""

    priority: Annotated[int, Meta(ge=-100, le=100)]
    first_response_seconds: Seconds | None = None
    resolution_seconds: Seconds | None = None


class Targets(Struct, frozen=True, forbid_unknown_fields=True):
    """What is promised, in business time: seconds while `hours` are open, around the clock without them."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    first_response_seconds: Seconds | None = None
    resolution_seconds: Seconds | None = None
    warn_before_seconds: Annotated[int, Meta(ge=0, le=31_536_000)] = 0
    hours: Hours | None = None
    by_priority: Annotated[tuple[PriorityTarget, ...], Meta(max_length=20)] = ()


def target_of(targets: Targets, measure: Measure, priority: int) -> timedelta | None:
    """What is promised to contacts of this priority; None: nothing."""
    rows = sorted((row for row in targets.by_priority if row.priority <= priority), key=lambda row: -row.priority)
    name = f"{measure}_seconds"
    found: Iterable[int | None] = (*(getattr(row, name) for row in rows), getattr(targets, name))
    seconds = next((each for each in found if each is not None), None)
    return None if seconds is None else timedelta(seconds=seconds)


class Clock(Struct, frozen=True):
    """One measure of a conversation: it runs since `since`, and had run `spent` before. `met_at`: it is over."""

    target: timedelta
    spent: timedelta = timedelta()
    since: datetime | None = None
    due_at: datetime | None = None
    warn_at: datetime | None = None
    met_at: datetime | None = None
    warned_at: datetime | None = None
    breached_at: datetime | None = None

    @property
    def next_at(self) -> datetime | None:
        """When something is to be told next."""
        if self.breached_at is not None:
            return None
        untold = (self.warn_at if self.warned_at is None else None, self.due_at)
        return min((at for at in untold if at is not None), default=None)


class Turn(Struct, frozen=True):
    """How a conversation stands from an instant on. `apart`: it was folded into another, which is shown instead."""

    at: datetime
    status: ConversationStatus
    needs_attention: bool
    apart: bool = False


class Promise(Struct, frozen=True):
    """What holds for a clock now."""

    target: timedelta
    warn_before: timedelta
    time: BusinessTime


def wind(measure: Measure, clock: Clock, promise: Promise, turns: Iterable[Turn]) -> Clock:
    """Take the clock through these turns, in order, and set when it is due."""
    clock = _scheduled(clock, promise)
    for turn in turns:
        runs = clock.met_at is None and _runs(measure, turn)
        if runs == (clock.since is not None):
            continue
        clock = replace(clock, since=turn.at) if runs else _stopped(measure, clock, promise.time, turn)
        clock = _scheduled(clock, promise)
    return clock


def _runs(measure: Measure, turn: Turn) -> bool:
    if turn.apart or turn.status == "closed":
        return False
    return turn.needs_attention if measure == "first_response" else turn.status != "waiting"


def _stopped(measure: Measure, clock: Clock, time: BusinessTime, turn: Turn) -> Clock:
    since = clock.since or turn.at
    at = max(turn.at, since)
    answered = measure == "first_response" and turn.status != "closed" and not turn.apart
    clock = tell_breach(clock, at)  # nobody may have looked until now
    return replace(clock, spent=clock.spent + time.between(since, at), since=None, met_at=at if answered else None)


def _scheduled(clock: Clock, promise: Promise) -> Clock:
    clock = replace(clock, target=promise.target, due_at=None, warn_at=None)
    if clock.since is None:
        return clock
    left = clock.target - clock.spent
    warn_at = promise.time.after(clock.since, left - promise.warn_before) if promise.warn_before else None
    return replace(clock, due_at=promise.time.after(clock.since, left), warn_at=warn_at)


def tell(clock: Clock, now: datetime) -> Clock:
    """The clock after everything was told that is to be told by now. What is breached needs no warning any more."""
    clock = tell_breach(clock, now)
    warns = clock.warn_at is not None and clock.warn_at <= now and clock.breached_at is None
    return replace(clock, warned_at=now) if warns and clock.warned_at is None else clock


def tell_breach(clock: Clock, now: datetime) -> Clock:
    """The clock after a breach was told, if there is one by now."""
    late = clock.due_at is not None and clock.due_at <= now and clock.breached_at is None
    return replace(clock, breached_at=clock.due_at) if late else clock


def news_of(before: Clock, after: Clock) -> What | None:
    """What became of it that somebody should hear."""
    if after.breached_at is not None and before.breached_at is None:
        return "breach"
    return "warning" if after.warned_at is not None and before.warned_at is None else None
