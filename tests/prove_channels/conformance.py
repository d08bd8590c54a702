"""The conformance matrix, provider by case, against a running gateway: status and rows in each cell."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from tests.contract.channels.harness import harnesses
from tests.contract.channels.matrix import REASONS
from tests.contract.channels.runner import Cell, company, without_secret
from tests.outside.verdict import Verdict, compare
from tests.prove_customer.place import database
from tests.prove_first_light.stage import Stage

MOST_NOT_APPLICABLE = 0.15
ABREAST = 3
GENUINE = "genuine "


async def show(stage: Stage) -> list[Verdict]:
    """Every harness, every case."""
    providers = harnesses()
    cells: list[Cell] = []
    async with database(stage.folder / "database") as url:
        cells += await without_secret(url, providers)
        async with company(url, providers, stage.folder / "gateway.log") as running:
            for name, harness in providers.items():
                cells += await running.row(name, harness)
                sys.stdout.write(f"  {name}\n")
                sys.stdout.flush()
    _print(sorted(providers), cells)
    return [*(_of(name, cells) for name in providers), _left_out(cells)]


def _of(name: str, cells: list[Cell]) -> Verdict:
    own = [cell for cell in cells if cell.provider == name]
    kinds = sum(cell.case.startswith(GENUINE) for cell in own)
    faults = [f"{cell.case}: {cell.wrong}, observed {cell.observed}" for cell in own if cell.wrong]
    dose = f"{len(own)} cells, {kinds} of them kinds of genuine events"
    return compare(f"{name} answers as it must, and changes what it may", dose, faults, "as they must be")


def _left_out(cells: list[Cell]) -> Verdict:
    out = [cell for cell in cells if cell.reason]
    cases = [cell for cell in cells if not cell.case.startswith(GENUINE)]
    share = len(out) / len(cases)
    fine = share <= MOST_NOT_APPLICABLE and {cell.reason for cell in out} <= set(REASONS)
    observed = "; ".join(f"{reason}: {sum(cell.reason == reason for cell in out)}" for reason in REASONS)
    claim = f"at most {MOST_NOT_APPLICABLE:.0%} of the cells are not applicable, for two reasons only"
    return Verdict(claim, f"{len(cases)} cells without the fixtures", f"{share:.1%} ({observed})", fine)


def _print(names: list[str], cells: list[Cell]) -> None:
    """Cases down, providers across, a few at a time; the fixtures of each provider below."""
    console = Console(width=160)
    by = {(cell.provider, cell.case): cell for cell in cells}
    cases = list(dict.fromkeys(cell.case for cell in cells if not cell.case.startswith(GENUINE)))
    for start in range(0, len(names), ABREAST):
        abreast = names[start : start + ABREAST]
        table = Table("case", *abreast, show_lines=True, title="conformance", title_justify="left")
        for case in cases:
            table.add_row(case, *(_word(by[name, case]) for name in abreast))
        console.print(table)
    for name in names:
        _print_kinds(console, name, (cell for cell in cells if cell.provider == name and cell.case.startswith(GENUINE)))


def _print_kinds(console: Console, name: str, cells: Iterable[Cell]) -> None:
    table = Table(f"{name}: genuine", "observed", "")
    for cell in cells:
        table.add_row(cell.case.removeprefix(GENUINE), cell.observed, "[red]WRONG[/]" if cell.wrong else "")
    console.print(table)


def _word(cell: Cell) -> str:
    if cell.reason:
        return f"not applicable: {cell.reason}"
    return cell.observed + (f" [bold red]WRONG: {cell.wrong}[/]" if cell.wrong else "")
