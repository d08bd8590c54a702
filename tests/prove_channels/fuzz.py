"""Mutated fixtures of every provider: by hypothesis and led by coverage; `--long` five times as long."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable

from adapters.testing.fuzz import LEAST_READ, Tally, fuzz
from tests.contract.channels.harness import harnesses
from tests.contract.channels.test_fuzz import run_guided
from tests.outside.verdict import Verdict, missing
from tests.prove_first_light.stage import Stage

SECONDS, LONG_SECONDS = 60.0, 300.0
"""Of each engine, for all providers together."""


async def show(stage: Stage) -> list[Verdict]:
    """A verdict for each provider and engine; what raises anything else is named with its traceback's last line."""
    providers = harnesses()
    seconds = (LONG_SECONDS if stage.long else SECONDS) / len(providers)
    seed = stage.rng.randrange(2**31)
    verdicts = []
    for name, harness in providers.items():

        def free(harness: object = harness) -> Tally:
            return fuzz(harness, seconds, seed)  # type: ignore[arg-type]

        def guided(name: str = name) -> Tally:
            return run_guided(name, seconds, seed, stage.folder / f"{name.replace('/', '-')}.json")

        verdicts.append(await _judge(f"{name}, chosen by hypothesis", seconds, free))
        if importlib.util.find_spec("atheris") is None:
            verdicts.append(missing(f"{name}, led by coverage", "atheris, which is not built for this platform"))
        else:
            verdicts.append(await _judge(f"{name}, led by coverage", seconds, guided))
    return verdicts


async def _judge(what: str, seconds: float, attack: Callable[[], Tally]) -> Verdict:
    claim = f"{what}: verify and parse raise only Forged and ParseError"
    try:
        tally = await asyncio.to_thread(attack)
    except Exception as error:  # whatever the adapter raised is the finding
        return Verdict(claim, f"{seconds:.0f} s", f"{type(error).__name__}: {str(error)[-2000:]}", False)
    dose = f"{seconds:.0f} s, {tally.runs} mutated bodies, {tally.forged} of them shown to be forged"
    return Verdict(claim, dose, f"{tally.share:.0%} could be read", tally.share >= LEAST_READ)
