"""What other programs of the project print: mutants and benchmarks."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.outside.verdict import Verdict, missing
from tests.prove_first_light.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = "tests.mutants.run"
BENCHMARKS = ("accept_to_screen", "inbound")


class Row(Struct, frozen=True):
    """A line of `benchmarks --json`."""

    measure: str
    ours: float
    floor: float
    ratio: float
    must: str
    ok: bool | None


async def show_mutants(stage: Stage) -> list[Verdict]:
    """Every planted bug turns a named test red."""
    claim = "every mutant turns a named test red"
    try:
        found = importlib.util.find_spec(MUTANTS)
    except ModuleNotFoundError:
        found = None
    if found is None:
        return [missing(claim, MUTANTS)]
    code, output = await run("-m", MUTANTS)
    lines = [line for line in output.splitlines() if line.strip()]
    return [Verdict(claim, "all of tests/mutants", lines[-1] if lines else "no output", code == 0)]


async def show_benchmarks(stage: Stage) -> list[Verdict]:
    """The table; its musts are reported here and bind later."""
    file = stage.folder / "figures.json"
    code, output = await run("-m", "benchmarks", *BENCHMARKS, "--json", str(file))
    sys.stdout.write(output)
    rows = msgspec.json.decode(file.read_bytes(), type=list[Row]) if file.exists() else []
    verdicts = [Verdict("the benchmarks run and are not void", ", ".join(BENCHMARKS), f"exit code {code}", bool(rows))]
    words = {True: "met", False: "not met yet", None: "only shown"}
    for row in rows:
        observed = f"{row.ratio:.2f} ({row.must}: {words[row.ok]})"
        verdicts.append(
            Verdict(f"figure: {row.measure}", f"ours {row.ours:.0f}, floor {row.floor:.0f}", observed, True)
        )
    return verdicts


async def run(*arguments: str) -> tuple[int, str]:
    """Run a program of the project; its exit code and output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        raise
    return process.returncode or 0, output.decode(errors="replace")
