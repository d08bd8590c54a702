"""Prove what was promised: `python -m tests.prove NAME [--seed N] [--only PART …] [--long] [--shard K/N]`.

Prints claim, dose, observed and verdict; exits 1 on any miss. `first-light`: a text message on an agent's screen.
`customer`: profile, identity and timeline. `channels`: every provider. `routing`: who takes it. `more-channels`: ten
providers more.
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
from tests.prove_more_channels import PARTS as MORE_CHANNELS
from tests.prove_routing import PARTS as ROUTING

PROOFS: dict[str, dict[str, Part]] = {
    "first-light": FIRST_LIGHT,
    "customer": CUSTOMER,
    "channels": CHANNELS,
    "routing": ROUTING,
    "more-channels": MORE_CHANNELS,
}


async def prove(
    parts: dict[str, Part], seed: int, *, long: bool = False, shard: tuple[int, int] = (1, 1)
) -> list[Verdict]:
    """Run each part with a chance of its own drawn from the seed; one that breaks is a failed claim."""
    verdicts: list[Verdict] = []
    for name, part in parts.items():
        began = time.monotonic()
        limit = part.limit(long=long)
        sys.stdout.write(f"{name} (at most {limit:.0f} s) …\n")
        sys.stdout.flush()
        folder = Path(tempfile.mkdtemp(prefix=f"prove-{name}-"))
        stage = Stage(folder, random.Random(f"{seed} {name}"), seed, long=long, shard=shard)
        try:
            async with asyncio.timeout(limit):
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


def _shard(text: str) -> tuple[int, int]:
    """Which share of how many, as `3/20`."""
    part, _, parts = text.partition("/")
    if not (part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write it as 3/20")
    return int(part), int(parts)


def main(arguments: list[str]) -> int:
    """Run a proof; gives the exit code."""
    parser = argparse.ArgumentParser(prog="prove", description=__doc__)
    parser.add_argument("name", choices=sorted(PROOFS))
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--only", action="append", default=[], metavar="PART", help="repeatable")
    parser.add_argument("--long", action="store_true", help="a larger dose, where a part has one")
    parser.add_argument("--shard", type=_shard, default=(1, 1), metavar="K/N", help="this share of a divisible dose")
    options = parser.parse_args(arguments)
    parts = PROOFS[options.name]
    unknown = set(options.only) - set(parts)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    chosen = {name: part for name, part in parts.items() if not options.only or name in options.only}
    sys.stdout.write(f"prove {options.name}, seed {options.seed}\n")
    verdicts = asyncio.run(prove(chosen, options.seed, long=options.long, shard=options.shard))
    return int(not show(f"prove {options.name}, seed {options.seed}", verdicts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
