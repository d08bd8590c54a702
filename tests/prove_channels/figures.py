"""What verifying and reading an event costs, held against its budget."""

from __future__ import annotations

import sys

import msgspec

from tests.outside.verdict import Verdict
from tests.prove_first_light.figures import Row, run
from tests.prove_first_light.stage import Stage


async def show(stage: Stage) -> list[Verdict]:
    """`benchmarks adapters`, run in a process of its own."""
    file = stage.folder / "adapters.json"
    code, output = await run("-m", "benchmarks", "adapters", "--json", str(file))
    sys.stdout.write(output)
    rows = msgspec.json.decode(file.read_bytes(), type=list[Row]) if file.exists() else []
    runs = Verdict("benchmark adapters runs and is not void", "micro", f"exit code {code}", bool(rows) and code == 0)
    return [runs, *(_of(row) for row in rows)]


def _of(row: Row) -> Verdict:
    must = f"at most {row.floor:.0f} µs" if row.must else "shown only"
    return Verdict(f"{row.measure}: {must}", "CPU per event", f"{row.ours:.1f} µs", row.ok is not False)
