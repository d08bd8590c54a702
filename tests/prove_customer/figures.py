"""What the benchmarks and mutants of identity print, held against their musts."""

from __future__ import annotations

import sys

import msgspec

from tests.outside.verdict import Verdict
from tests.prove_first_light.figures import Row, run
from tests.prove_first_light.stage import Stage


async def show_accuracy(stage: Stage) -> list[Verdict]:
    """Automatic linking and suggestions against a population whose truth is known."""
    return await _benchmark(stage, "identity", "--seed", str(stage.rng.randrange(2**31)))


async def show_scale(stage: Stage) -> list[Verdict]:
    """Growth from 100,000 to a million customers, and search."""
    return await _benchmark(stage, "scale")


async def _benchmark(stage: Stage, name: str, *options: str) -> list[Verdict]:
    file = stage.folder / f"{name}.json"
    code, output = await run("-m", "benchmarks", name, *options, "--json", str(file))
    sys.stdout.write(output)
    rows = msgspec.json.decode(file.read_bytes(), type=list[Row]) if file.exists() else []
    verdicts = [Verdict(f"benchmark {name} runs and is not void", name, f"exit code {code}", bool(rows) and code == 0)]
    for row in rows:
        observed = f"{row.ratio:.3f}"
        dose = f"ours {row.ours:.4g}, floor {row.floor:.4g}"
        verdicts.append(Verdict(f"{row.measure}: {row.must or 'shown only'}", dose, observed, row.ok is not False))
    return verdicts


async def show_mutants(stage: Stage) -> list[Verdict]:
    """Every planted bug turns a named test red."""
    code, output = await run("-m", "tests.mutants.run")
    lines = [line for line in output.splitlines() if line.strip()]
    observed = lines[-1] if lines else "no output"
    if code:
        sys.stdout.write(output[-4000:])
    return [Verdict("every mutant turns a named test red by assertion", "all of tests/mutants", observed, code == 0)]
