"""Plant each known bug in a copy of the checkout and see the named tests turn red: `run.py mutants [NAME…]`.

Each test must first pass without the bug, and then fail by an assertion: a crash, a time-out or a patch that does not
fit proves nothing and is a miss. Exits 1 on any miss, 2 when a name or a patch file cannot be used.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.mutants.mutant import BadPatch, Mutant, read_mutants
from tests.mutants.workshop import Report, apply_patch, copy_checkout, run_test

AT_ONCE = 2


class Row(Struct, frozen=True):
    """One line of the table: a mutant before one of its tests."""

    mutant: Mutant
    test: str
    caught: bool
    verdict: str


def first_without(tests: list[str], folder: Path, step: Callable[[], None]) -> dict[str, Report]:
    """What each test says without any bug."""

    def run(number: int, test: str) -> Report:
        own = folder / f"clean-{number}"
        copy_checkout(own)
        report = run_test(test, own)
        step()
        return report

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(tests, pool.map(run, range(len(tests)), tests), strict=True))


def plant(mutant: Mutant, folder: Path, clean: dict[str, Report], step: Callable[[], None]) -> list[Row]:
    """Plant one bug and ask its tests."""
    own = folder / mutant.name
    copy_checkout(own)
    misfit = apply_patch(mutant.patch, own)
    rows = []
    for test in mutant.tests:
        if misfit:
            rows.append(Row(mutant, test, False, f"the patch does not apply: {misfit}"))
        elif clean[test].outcome != "passed":
            rows.append(Row(mutant, test, False, f"red without the bug: {clean[test].why}"))
        else:
            rows.append(judge(mutant, test, run_test(test, own)))
        step()
    return rows


def judge(mutant: Mutant, test: str, report: Report) -> Row:
    """Caught only when the test's own claim failed."""
    words = {"failed": "caught", "passed": "survived", "broken": f"no assertion: {report.why}"}
    return Row(mutant, test, report.outcome == "failed", words[report.outcome])


def run_all(mutants: list[Mutant], console: Console) -> list[Row]:
    """Every mutant before every test of its own, two at a time."""
    tests = list(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory(prefix="mutants-") as name, Progress(*columns, console=console) as progress:
        folder = Path(name)
        # As root, the tests' server runs as another user, who has to enter.
        folder.chmod(0o755)
        before = progress.add_task("tests without a bug", total=len(tests))
        clean = first_without(tests, folder, lambda: progress.advance(before))
        after = progress.add_task("tests with one", total=sum(len(mutant.tests) for mutant in mutants))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda mutant: plant(mutant, folder, clean, lambda: progress.advance(after)), mutants)
            return [row for rows in found for row in rows]


def show(rows: list[Row], console: Console) -> None:
    """The table."""
    table = Table("mutant", "invariant", "test", "verdict")
    for row in rows:
        colour = "green" if row.caught else "red"
        short = row.test.removeprefix("tests/")
        table.add_row(row.mutant.name, row.mutant.invariant, escape(short), f"[{colour}]{escape(row.verdict)}[/]")
    console.print(table)


def main(names: list[str]) -> int:
    """Run the named mutants, or all; gives the exit code."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    try:
        mutants = read_mutants(names)
    except BadPatch as problem:
        console.print(f"[red]{escape(str(problem))}[/]")
        return 2
    rows = run_all(mutants, console)
    show(rows, console)
    missed = sum(not row.caught for row in rows)
    console.print(f"{len(mutants)} mutants, {len(rows) - missed} of {len(rows)} tests turned red.")
    return int(missed > 0 or not rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
