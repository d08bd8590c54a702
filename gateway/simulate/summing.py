"""What came of a simulation: waiting, service level, abandonment by queue; occupancy by queue and agent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from msgspec import Struct
from msgspec.structs import asdict

from router.simulation.given import Arrival, Outcome, Shift

Span = tuple[float, float]


class Waits(Struct, frozen=True):
    """How contacts waited; seconds, of those answered. Shares of all that came; None: there are none to say it of.

    `service_level`: answered in time; `abandonment`: given up; `unanswered`: neither, when all was over.
    """

    contacts: int
    answered: int
    abandoned: int
    unanswered: int
    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    service_level: float | None
    abandonment: float | None


class QueueFigures(Waits, frozen=True):
    """A queue. `occupancy`: the part of their shifts in which its agents had somebody."""

    queue: str
    occupancy: float | None


class AgentFigures(Struct, frozen=True):
    """An agent. `occupancy`: the part of their shifts in which they had somebody, wrap-up included."""

    agent: str
    contacts: int
    shift_seconds: float
    busy_seconds: float
    occupancy: float | None


class Summary(Struct, frozen=True):
    """All figures. `within_seconds`: what the service level is measured by."""

    within_seconds: float
    all: Waits
    queues: tuple[QueueFigures, ...]
    agents: tuple[AgentFigures, ...]


def summarize(
    arrivals: Sequence[Arrival], shifts: Sequence[Shift], outcomes: Sequence[Outcome], within: float
) -> Summary:
    """The figures of a simulation."""
    over = max([one.closed or one.left or 0.0 for one in outcomes] + [arrival.at for arrival in arrivals])
    agents = [_agent(name, shifts, outcomes, over) for name in dict.fromkeys(shift.agent for shift in shifts)]
    by_name = {one.agent: one for one in agents}
    served = {shift.agent: shift.queues for shift in shifts}
    for shift in shifts:
        served[shift.agent] |= shift.queues
    queues = []
    for queue in sorted({arrival.queue for arrival in arrivals}):
        own = [(arrival, one) for arrival, one in zip(arrivals, outcomes, strict=True) if arrival.queue == queue]
        theirs = [by_name[name] for name, names in served.items() if queue in names]
        seconds = sum(one.shift_seconds for one in theirs)
        occupancy = _part(sum(one.busy_seconds for one in theirs), seconds)
        queues.append(QueueFigures(**asdict(_waits(own, within)), queue=queue, occupancy=occupancy))
    return Summary(within, _waits(list(zip(arrivals, outcomes, strict=True)), within), tuple(queues), tuple(agents))


def _waits(own: Sequence[tuple[Arrival, Outcome]], within: float) -> Waits:
    waits = sorted(one.answered - arrival.at for arrival, one in own if one.answered is not None)
    abandoned = sum(one.left is not None for _, one in own)
    return Waits(
        contacts=len(own),
        answered=len(waits),
        abandoned=abandoned,
        unanswered=len(own) - len(waits) - abandoned,
        mean=_part(sum(waits), len(waits)),
        p50=percentile(waits, 0.5),
        p90=percentile(waits, 0.9),
        p99=percentile(waits, 0.99),
        service_level=_part(sum(wait <= within for wait in waits), len(own)),
        abandonment=_part(abandoned, len(own)),
    )


def percentile(ordered: Sequence[float], part: float) -> float | None:
    """The smallest that at least this part of them does not exceed."""
    return ordered[max(ceil(part * len(ordered)), 1) - 1] if ordered else None


def _part(some: float, all_: float) -> float | None:
    return some / all_ if all_ else None


def _agent(name: str, shifts: Iterable[Shift], outcomes: Iterable[Outcome], over: float) -> AgentFigures:
    there = [(shift.begin, over if shift.end is None else shift.end) for shift in shifts if shift.agent == name]
    held = [
        (one.answered, over if one.closed is None else one.closed)
        for one in outcomes
        if one.agent == name and one.answered is not None
    ]
    seconds = sum(max(end - begin, 0.0) for begin, end in there)
    busy = sum(_shared(span, there) for span in _joined(held))
    return AgentFigures(name, len(held), seconds, busy, _part(busy, seconds))


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Without what overlaps."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def _shared(span: Span, others: Iterable[Span]) -> float:
    return sum(max(min(span[1], end) - max(span[0], begin), 0.0) for begin, end in others)
