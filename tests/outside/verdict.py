"""Claims, how hard they were tried, and what was observed: as a table, and as an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from rich.console import Console
from rich.table import Table


class Verdict(Struct, frozen=True):
    """One claim. `dose`: how much was done to break it. `ok` None: it was not run."""

    claim: str
    dose: str
    observed: str
    ok: bool | None


def missing(claim: str, what: str) -> Verdict:
    """A claim that could not be tried here."""
    return Verdict(claim, "-", f"NOT RUN (needs {what})", None)


def compare(claim: str, dose: str, faults: Sequence[str], fine: str) -> Verdict:
    """Right when there is no fault; the first few are named otherwise."""
    shown = "; ".join(faults[:3]) + (f" … and {len(faults) - 3} more" if len(faults) > 3 else "")
    return Verdict(claim, dose, f"{len(faults)}: {shown}" if faults else fine, not faults)


def show(title: str, verdicts: Iterable[Verdict]) -> bool:
    """Print the table; True when nothing failed."""
    table = Table("claim", "dose", "observed", "verdict", title=title, title_justify="left", show_lines=True)
    good = True
    for one in verdicts:
        word = {True: "[green]ok[/]", False: "[bold red]FAILED[/]", None: "[yellow]NOT RUN[/]"}[one.ok]
        table.add_row(*(text.replace("[", "\\[") for text in (one.claim, one.dose, one.observed)), word)
        good = good and one.ok is not False
    console = Console()
    console = console if console.is_terminal else Console(width=160)
    console.print(table)
    return good
