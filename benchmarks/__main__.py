"""Run the measurements: `python -m benchmarks [NAME…] [--json FILE] [--seconds S]`.

Exits 1 only when a run is void: the demands are printed, and are the business of who reads them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from benchmarks import accept_to_screen, inbound
from benchmarks.figures import Report, show, write
from benchmarks.place import Place, place

BENCHMARKS: dict[str, Callable[[Place, float], Awaitable[Report]]] = {
    "accept_to_screen": accept_to_screen.run,
    "inbound": inbound.run,
}


async def measure(names: list[str], seconds: float) -> list[Report]:
    """Each with a product of its own."""
    reports = []
    for name in names:
        async with place() as here:
            report = await BENCHMARKS[name](here, seconds)
        show(report)
        reports.append(report)
    return reports


def main(arguments: list[str]) -> int:
    """Measure; gives the exit code."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one block of load")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    reports = uvloop.run(measure(options.names or list(BENCHMARKS), options.seconds))
    if options.json:
        write(options.json, reports)
    return int(any(report.void for report in reports))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
