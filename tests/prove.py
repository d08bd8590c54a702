"""Prove what was promised, from outside: `python -m tests.prove NAME [--seed N] [--only PART …] [--long]`.

Prints claim, dose, observed and verdict; exits 1 on any miss. `first-light`: a text message on an agent's screen.
`customer`: profile, identity and timeline. `channels`: every provider.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.outside.verdict import Verdict, show
from tests.prove_channels import PARTS as CHANNELS
from tests.prove_customer import PARTS as CUSTOMER
from tests.prove_first_light import PARTS as FIRST_LIGHT
from tests.prove_first_light.stage import Part, Stage

PROOFS: dict[str, dict[str, Part]] = {"first-light": FIRST_LIGHT, "customer": CUSTOMER, "channels": CHANNELS}


async def prove(parts: dict[str, Part], seed: int, *, long: bool = False) -> list[Verdict]:
    """Run each part with a chance of its own drawn from the seed; one that breaks is a failed claim."""
    verdicts: list[Verdict] = []
    for name, part in parts.items():
        began = time.monotonic()
        sys.stdout.write(f"{name} (at most {part.seconds:.0f} s) …\n")
        sys.stdout.flush()
        folder = Path(tempfile.mkdtemp(prefix=f"prove-{name}-"))
        stage = Stage(folder, random.Random(f"{seed} {name}"), seed, long=long)
        try:
            async with asyncio.timeout(part.seconds):
                found = await part.show(stage)
        except Exception as error:
            traceback.print_exc()
            found = [Verdict(f"{name} runs to its end", "-", f"{type(error).__name__}: {error}", False)]
            sys.stderr.write(stage.last_words() + "\n")
        finally:
            await stage.end()
        if all(verdict.ok is not False for verdict in found):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            sys.stdout.write(f"kept for a look: {folder}\n")
        verdicts += found
        sys.stdout.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    return verdicts


def main(arguments: list[str]) -> int:
    """Run a proof; gives the exit code."""
    parser = argparse.ArgumentParser(prog="prove", description=__doc__)
    parser.add_argument("name", choices=sorted(PROOFS))
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--only", action="append", default=[], metavar="PART", help="repeatable")
    parser.add_argument("--long", action="store_true", help="a larger dose, where a part has one")
    options = parser.parse_args(arguments)
    parts = PROOFS[options.name]
    unknown = set(options.only) - set(parts)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    chosen = {name: part for name, part in parts.items() if not options.only or name in options.only}
    sys.stdout.write(f"prove {options.name}, seed {options.seed}\n")
    verdicts = asyncio.run(prove(chosen, options.seed, long=options.long))
    return int(not show(f"prove {options.name}, seed {options.seed}", verdicts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
