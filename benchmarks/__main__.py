"""Run the measurements: `python -m benchmarks [NAME…] [--json FILE] [--seconds S]`.

Exits 1 only when a run is void: the demands are printed, and are the business of who reads them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from benchmarks import accept_to_screen, adapters, assignment, identity, inbound, rules, scale
from benchmarks.figures import Report, show, write
from benchmarks.place import Place, place

BENCHMARKS: dict[str, Callable[[Place, float], Awaitable[Report]]] = {
    "accept_to_screen": accept_to_screen.run,
    "inbound": inbound.run,
    "identity": identity.run,
    "scale": scale.run,
}
MICRO: dict[str, Callable[[float], Awaitable[Report]]] = {
    "adapters": adapters.run,
    "assignment": assignment.run,
    "rules": rules.run,
}
"""In-process: no product is started."""
USUAL = ("accept_to_screen", "inbound")
"""Without a name; the others take long."""


async def measure(names: list[str], seconds: float) -> list[Report]:
    """Each with a product of its own."""
    reports = []
    for name in names:
        if name in MICRO:
            report = await MICRO[name](seconds)
        else:
            async with place() as here:
                report = await BENCHMARKS[name](here, seconds)
        show(report)
        reports.append(report)
    return reports


def main(arguments: list[str]) -> int:
    """Measure; gives the exit code."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*BENCHMARKS, *MICRO)))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one block of load")
    parser.add_argument("--people", type=int, default=identity.PEOPLE, help="of `identity`")
    parser.add_argument("--seed", type=int, help="of `identity`: repeat a run")
    parser.add_argument("--febrl", action="store_true", help="`identity` also reads the FEBRL data, which it installs")
    parser.add_argument("--customers", type=int, default=scale.CUSTOMERS, help="of the larger company of `scale`")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="of `scale`: load into DIR once, and measure there")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - {*BENCHMARKS, *MICRO}
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join((*BENCHMARKS, *MICRO))}")
    identity.OPTIONS.people, identity.OPTIONS.seed, identity.OPTIONS.febrl = options.people, options.seed, options.febrl
    scale.OPTIONS.customers, scale.OPTIONS.keep = options.customers, options.keep and options.keep.absolute()
    reports = uvloop.run(measure(options.names or list(USUAL), options.seconds))
    if options.json:
        write(options.json, reports)
    return int(any(report.void for report in reports))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
