"""The same attack led by coverage: `python -m tests.contract.channels.guided HARNESS --seconds 5 --out tally.json`.

A process of its own, as libFuzzer ends the one it runs in. What the adapter may not raise ends it with a traceback.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import atheris
import msgspec

from adapters.registry import adapter_for
from adapters.testing.fuzz import Target
from adapters.testing.mutate import mutated
from tests.contract.channels.harness import harnesses


def main(arguments: list[str]) -> None:
    """Attack until the time is over; the tally is written, and the process ends with 0."""
    parser = argparse.ArgumentParser(prog="guided")
    parser.add_argument("harness")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with atheris.instrument_imports(include=["adapters"]):  # an adapter is imported when first asked for
        target = Target(harnesses()[options.harness])
        adapter_for(target.harness.account.provider, target.harness.account.channel)
    until = time.monotonic() + options.seconds
    chance = random.Random(options.seed)

    def attack(data: bytes) -> None:
        if time.monotonic() > until:
            options.out.write_bytes(msgspec.json.encode(target.tally))
            os._exit(0)
        # The first byte says which fixture's headers the body comes with.
        index = data[0] % len(target.genuine) if data else 0
        target.attack(target.genuine[index], data[1:])

    def mutate(data: bytes, most: int, _seed: int) -> bytes:
        wrong = mutate_one(data)
        return wrong if len(wrong) <= most else data

    def mutate_one(data: bytes) -> bytes:
        index = data[0] % len(target.genuine) if data else 0
        kind = dict(target.genuine[index].headers).get("content-type", "")
        if not data or chance.random() < 0.7:
            index = chance.randrange(len(target.genuine))
            return bytes((index,)) + mutated(target.genuine[index].body, kind, chance)
        return data[:1] + mutated(data[1:], kind, chance)

    with tempfile.TemporaryDirectory() as corpus:
        for number, request in enumerate(target.genuine[:256]):
            Path(corpus, str(number)).write_bytes(bytes((number,)) + request.body)
        flags = ["-max_len=200000", f"-seed={options.seed}", "-timeout=60", "-rss_limit_mb=0"]
        atheris.Setup(["guided", *flags, corpus], attack, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
