"""Rounds, percentiles and ratios; pure. A run in which a variant differs from itself says nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from msgspec import Struct, structs, to_builtins
from rich.console import Console
from rich.table import Table

STEADY = (0.93, 1.07)


class Row(Struct, frozen=True):
    """One figure beside its floor. `ok` None: there is no demand, or the run is void."""

    measure: str
    ours: float
    floor: float
    ratio: float
    must: str
    ok: bool | None


class Report(Struct):
    """What a benchmark found. `void`: why its figures say nothing."""

    name: str
    rows: list[Row]
    notes: list[str]
    void: list[str]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def of_rounds(rounds: Sequence[Sequence[float]], share: float) -> float:
    """The median over rounds of a percentile."""
    return median(percentile(values, share) for values in rounds)


def demand(measure: str, ours: float, floor: float, must: str = "") -> Row:
    """A figure with its demand, written `<= 1.3` or `>= 2.5`; none: it is only shown."""
    ratio = ours / floor
    holds: dict[str, Callable[[float], bool]] = {"<=": lambda most: ratio <= most, ">=": lambda least: ratio >= least}
    sign, _, bound = must.partition(" ")
    return Row(measure, ours, floor, ratio, must, holds[sign](float(bound)) if must else None)


def steadiness(measure: str, one: float, other: float) -> str | None:
    """Why the run is void: the same code twice was not the same."""
    ratio = one / other
    return None if STEADY[0] <= ratio <= STEADY[1] else f"{measure}: the floor against itself is {ratio:.2f}"


def judge_steadiness(report: Report, measure: str, one: float, other: float) -> None:
    """Compare a floor with itself: where it differs, the rows of this measure (its first word) say nothing.

    A tail is easily unsteady on a shared machine, so that only its own rows are withdrawn; any other voids the run.
    """
    why = steadiness(measure, one, other)
    report.notes.append(f"{measure}: the floor against itself {one / other:.3f}")
    if why is None:
        return
    report.rows = [structs.replace(row, ok=None, must="void") if measure in row.measure else row for row in report.rows]
    if measure.startswith("p99"):
        report.notes.append(f"VOID, these rows alone: {why}")
    else:
        report.void.append(why)


def show(report: Report) -> None:
    """Print a report."""
    console = Console()
    console = console if console.is_terminal else Console(width=140)
    table = Table("measure", "ours", "floor", "ratio", "must", "", title=report.name, title_justify="left")
    for row in report.rows:
        word = {True: "[green]met[/]", False: "[bold red]NOT MET[/]", None: ""}[row.ok]
        table.add_row(row.measure, f"{row.ours:,.0f}", f"{row.floor:,.0f}", f"{row.ratio:.2f}", row.must, word)
    console.print(table)
    for note in report.notes:
        console.print(note, highlight=False, markup=False)
    for reason in report.void:
        console.print(f"VOID: {reason}", style="bold yellow", highlight=False)


def write(file: Path, reports: Sequence[Report]) -> None:
    """Write every row of runs that are not void as JSON."""
    rows = [to_builtins(row) for report in reports if not report.void for row in report.rows]
    file.write_text(json.dumps(rows, indent=1) + "\n")
