"""The command `screenpop simulate`: a day of contacts over a staff, by the router itself under a simulated clock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from cyclopts import Parameter
from msgspec import Struct
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from gateway.cli_database import stop
from gateway.simulate.drawing import draw_waiting
from gateway.simulate.reading import BadFile, read_arrivals, read_staff
from gateway.simulate.summing import Summary, Waits, summarize
from router.rank import Selection
from router.simulation.given import Arrival, Outcome, Shift, Terms
from router.simulation.running import simulate as run

Number = TypeVar("Number", int, float)
LONGEST = 86_400.0


class Row(Struct, frozen=True):
    """A contact of the arrivals, by its place in the file from 1, and what became of it."""

    contact: int
    time: float
    work_class: str = msgspec.field(name="class")
    queue: str
    agent: str | None
    offered: float | None
    answered: float | None
    left: float | None
    finished: float | None
    closed: float | None
    offers: int


class Report(Struct, frozen=True):
    """What `--json` writes."""

    summary: Summary
    contacts: list[Row]


def simulate(
    *,
    arrivals: Path,
    staff: Path,
    json: Path | None = None,
    plot: Path | None = None,
    within: float = 20.0,
    offer: float = 20.0,
    accept: float = 0.0,
    wrap_up: float = 0.0,
    away: float = 60.0,
    priority_bonus: int = 120,
    selection: Annotated[Selection, Parameter(show_choices=True)] = "longest_idle",
) -> None:
    """Send contacts through the router under a simulated clock, and say how long they waited. Needs no database.

    Parameters
    ----------
    arrivals
        CSV: time,class,queue,skills,handling_seconds,patience_seconds,priority.
    staff
        CSV: agent,from,to,queues,skills,capacity; accept_seconds may follow.
    json
        Write the figures and a row for every contact here.
    plot
        Draw waiting over the day here, as PNG.
    within
        Seconds in which an answer counts for the service level.
    offer
        Seconds an offer rings.
    accept
        Seconds an agent takes to accept; whoever takes as long as it rings misses it.
    wrap_up
        Seconds of wrap-up after each contact.
    away
        Seconds an agent who missed an offer takes nothing.
    priority_bonus
        Seconds of waiting that a step of priority is worth.
    selection
        How a queue chooses among agents.
    """
    terms = Terms(
        offer=_checked("offer", offer, 1.0),
        accept=_checked("accept", accept),
        wrap_up=_checked("wrap-up", wrap_up),
        away=_checked("away", away),
        priority_bonus=_checked("priority-bonus", priority_bonus),
        selection=selection,
    )
    within = _checked("within", within)
    try:
        coming, shifts = read_arrivals(arrivals), read_staff(staff)
    except BadFile as error:
        stop(str(error))
    outcomes = _run(coming, shifts, terms)
    summary = summarize(coming, shifts, outcomes, within)
    if json is not None:
        _write(json, msgspec.json.encode(Report(summary, _rows(coming, outcomes))) + b"\n")
    if plot is not None:
        _write(plot, draw_waiting(coming, outcomes))
    _print(summary)


def _checked(option: str, value: Number, least: float = 0.0) -> Number:
    if not least <= value <= LONGEST:
        stop(f"--{option} {value} is out of range; give {least:g} to {LONGEST:g}.")
    return value


def _run(coming: list[Arrival], shifts: list[Shift], terms: Terms) -> list[Outcome]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("simulating", total=len(coming))
        return run(coming, shifts, terms, lambda done: progress.update(task, completed=done))


def _rows(coming: list[Arrival], outcomes: list[Outcome]) -> list[Row]:
    return [
        Row(
            number,
            arrival.at,
            arrival.work_class,
            arrival.queue,
            *(one.agent, one.offered, one.answered, one.left, one.finished, one.closed, one.offers),
        )
        for number, (arrival, one) in enumerate(zip(coming, outcomes, strict=True), 1)
    ]


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        stop(f"{file} cannot be written: {error.strerror}.")


def _print(summary: Summary) -> None:
    console = Console()
    console = console if console.is_terminal else Console(width=140)
    heads = ("contacts", "mean", "p50", "p90", "p99", f"within {summary.within_seconds:g} s", "abandoned")
    waits = Table("queue", *heads, "unanswered", "occupancy", title="waiting, in seconds", title_justify="left")
    for queue in summary.queues:
        waits.add_row(escape(queue.queue), *_cells(queue), _share(queue.occupancy))
    waits.add_section()
    waits.add_row("all", *_cells(summary.all), "")
    agents = Table("agent", "contacts", "shift s", "busy s", "occupancy", title="agents", title_justify="left")
    for agent in summary.agents:
        figures = (str(agent.contacts), f"{agent.shift_seconds:.0f}", f"{agent.busy_seconds:.0f}")
        agents.add_row(escape(agent.agent), *figures, _share(agent.occupancy))
    console.print(waits)
    console.print(agents)


def _cells(waits: Waits) -> tuple[str, ...]:
    seconds = ("-" if value is None else f"{value:.1f}" for value in (waits.mean, waits.p50, waits.p90, waits.p99))
    shares = (_share(waits.service_level), _share(waits.abandonment))
    return str(waits.contacts), *seconds, *shares, str(waits.unanswered)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
