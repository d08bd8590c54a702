"""What the benchmarks of routing print, held against their musts, and what other helpers' programs say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import msgspec

from tests.mutants.mutant import read_mutants
from tests.outside.verdict import Verdict
from tests.prove_first_light.figures import Row, run
from tests.prove_first_light.stage import Stage

HELD: Final = {f"INV{number}" for number in range(9, 17)}


async def show_assignment(stage: Stage) -> list[Verdict]:
    """A lone contact, a backlog, growth."""
    return await _benchmark(stage, "assignment")


async def show_rules(stage: Stage) -> list[Verdict]:
    """500 rules, of which the last, the one in the middle or the fifth holds."""
    return await _benchmark(stage, "rules")


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
