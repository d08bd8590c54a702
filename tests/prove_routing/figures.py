"""What the benchmarks of routing print, held against their musts, and what other helpers' programs say."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.mutants.mutant import read_mutants
from tests.outside.verdict import Verdict, compare, missing
from tests.prove_first_light.figures import Row, run
from tests.prove_first_light.stage import Stage

PACKAGE: Final = "tests.prove_routing"
LINTED: Final = 0.95
ROUNDS: Final = 5
HELD: Final = {f"INV{number}" for number in range(9, 17)}


async def show_assignment(stage: Stage) -> list[Verdict]:
    """A lone contact, a backlog, growth."""
    return await _benchmark(stage, "assignment")


async def show_rules(stage: Stage) -> list[Verdict]:
    """500 rules, of which the last, the one in the middle or the fifth holds."""
    return await _benchmark(stage, "rules")


async def show_lint(stage: Stage) -> list[Verdict]:
    """Shipped examples with one fault of each kind, and valid rule sets."""
    lint = _other("lint")
    if lint is None:
        return [missing("lint finds what is wrong", f"{PACKAGE}.lint")]
    counts = await asyncio.to_thread(lint.count, ROUNDS, stage.seed)
    share = counts.found / counts.planted
    dose = f"{counts.planted} faults in {counts.shipped} shipped examples"
    return [
        Verdict(
            f"at least {LINTED:.0%} of the faults planted are found",
            dose,
            f"{share:.1%}; not found: {', '.join(counts.missed) or 'none'}",
            share >= LINTED,
        ),
        compare("valid rule sets are not flagged", f"{counts.valid} random ones", counts.flagged, "none flagged"),
        Verdict(
            "shipped examples are in order and their cases come out",
            f"{counts.shipped} examples",
            f"{counts.in_order} are",
            counts.in_order == counts.shipped,
        ),
    ]


async def show_erlang(stage: Stage) -> list[Verdict]:
    """Simulated waiting against Erlang-C."""
    erlang = _other("erlang")
    if erlang is None:
        return [missing("the simulator agrees with Erlang-C", f"{PACKAGE}.erlang")]
    found: list[Verdict] = await erlang.show(stage)
    return found


def _other(name: str) -> Any:
    """A module beside this one; None where it is not there."""
    full = f"{PACKAGE}.{name}"
    return importlib.import_module(full) if importlib.util.find_spec(full) else None


async def _benchmark(stage: Stage, name: str) -> list[Verdict]:
    file = stage.folder / f"{name}.json"
    code, output = await run("-m", "benchmarks", name, "--json", str(file))
    sys.stdout.write(output)
    rows = msgspec.json.decode(file.read_bytes(), type=list[Row]) if file.exists() else []
    verdicts = [Verdict(f"benchmark {name} runs and is not void", name, f"exit code {code}", bool(rows) and code == 0)]
    for row in rows:
        dose = f"ours {row.ours:.4g}, floor {row.floor:.4g}"
        verdicts.append(
            Verdict(f"{row.measure}: {row.must or 'shown only'}", dose, f"{row.ratio:.2f}", row.ok is not False)
        )
    return verdicts


async def show_mutants(stage: Stage) -> list[Verdict]:
    """Every bug planted against INV9 to INV16 turns a named test red; each of these has one."""
    chosen = [mutant for mutant in read_mutants([]) if HELD & set(mutant.invariant.replace(",", " ").split())]
    covered = {word for mutant in chosen for word in mutant.invariant.replace(",", " ").split()} & HELD
    code, output = await run("-m", "tests.mutants.run", *(Path(mutant.name).stem for mutant in chosen))
    lines = [line for line in output.splitlines() if line.strip()]
    if code:
        sys.stdout.write(output[-4000:])
    missing = sorted(HELD - covered)
    return [
        Verdict("every mutant turns a named test red", f"{len(chosen)} mutants", lines[-1] if lines else "", code == 0),
        Verdict("INV9 to INV16 have a mutant each", f"{len(chosen)} mutants", f"without: {missing}", not missing),
    ]
