"""Random work against the model of it: 500 examples of 50 steps, with `--long` 20,000, which `--shard K/N` divides.

Several rounds are played at once, each by a process of its own in a database of its own: a round waits for its
database most of the time. One that failed is played again by `tests.store.work_round` with its seed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from random import Random
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.conftest import database, execute
from tests.outside.verdict import Verdict
from tests.prove_customer.model import TEMPLATE, server
from tests.prove_first_light.stage import Stage
from tests.store.work_round import EXAMPLES
from tests.store.work_rules import ACTIONS

USUAL, LONG, STEPS = 500, 20_000, 50
A_ROUND: Final = 25
AT_ONCE: Final = 3
LEAST_SHARE: Final = 0.003
HELD: Final = "INV9, INV10, INV11, INV12, INV13, INV14, INV15 and INV16 after every step, and the model agrees"


async def show(stage: Stage) -> list[Verdict]:
    """Play rounds, several at once, until the dose is reached or one fails."""
    part, parts = stage.shard
    wanted = (LONG if stage.long else USUAL) // parts
    began = time.monotonic()
    async with server(stage.folder / "database") as url:
        with _progress() as progress:
            rounds = _Rounds(url, Random(f"{stage.seed} {part}/{parts}"), progress, wanted)
            async with asyncio.TaskGroup() as players:
                for _ in range(AT_ONCE):
                    players.create_task(rounds.play_on())
    return rounds.verdicts(time.monotonic() - began)


def _progress() -> Progress:
    console = Console()
    return Progress(
        TextColumn("examples"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[steps]} steps"),
        TimeElapsedColumn(),
        console=console if console.is_terminal else Console(width=160),
    )


class _Rounds:
    """Rounds as they are played, each in a copy of the template by a child."""

    def __init__(self, url: str, rng: Random, progress: Progress, wanted: int) -> None:
        self._url, self._rng, self._progress, self._wanted = url, rng, progress, wanted
        self._bar = progress.add_task("", total=wanted, steps=0)
        self._begun = 0
        self._counts: dict[int, Counter[str]] = {}
        self._failed: list[str] = []

    @property
    def counts(self) -> Counter[str]:
        """How often each action was taken, and the examples."""
        return sum(self._counts.values(), Counter(dict.fromkeys((*ACTIONS, EXAMPLES), 0)))

    @property
    def steps(self) -> int:
        """Of all rounds."""
        return sum(self.counts[action] for action in ACTIONS)

    async def play_on(self) -> None:
        """One round after the other, as long as there is something to be played for."""
        while self._begun * A_ROUND < self._wanted and not self._failed:
            number, self._begun = self._begun, self._begun + 1
            seed, name = self._rng.randrange(2**32), f"work_{number}"
            await execute(self._url, f"create database {name} template {TEMPLATE} strategy file_copy")
            code = await self._play(number, database(self._url, name), seed)
            self._progress.console.print(
                f"  round {number}, seed {seed}: {'FAILED' if code else 'played'}; {self.counts[EXAMPLES]} examples",
                highlight=False,
            )
            if code:
                self._failed.append(f"round {number} FAILED: work_round URL {A_ROUND} {STEPS} {seed}")
            await execute(self._url, f"drop database {name} with (force)")

    async def _play(self, number: int, url: str, seed: int) -> int:
        """Hear what the child counts; gives its exit code. Its report goes where ours would."""
        numbers = map(str, (min(A_ROUND, self._wanted - number * A_ROUND), STEPS, seed))
        command = [sys.executable, "-m", "tests.store.work_round", url, *numbers]
        child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert child.stdout is not None
        try:
            async for line in child.stdout:
                self._counts[number] = Counter(msgspec.json.decode(line, type=dict[str, int]))
                self._progress.update(self._bar, completed=self.counts[EXAMPLES], steps=self.steps)
            return await child.wait()
        except asyncio.CancelledError:
            child.terminate()
            await child.wait()
            raise

    def verdicts(self, seconds: float) -> list[Verdict]:
        """The claims of the model."""
        counts, steps = self.counts, self.steps
        dose = f"{counts[EXAMPLES]} examples, {steps} steps in {seconds:.0f} s"
        shares = [(action, counts[action] / max(steps, 1)) for action in ACTIONS]
        shown = ", ".join(f"{action} {share:.1%}" for action, share in sorted(shares, key=lambda each: -each[1]))
        done = counts[EXAMPLES] >= self._wanted
        fine = f"{self._wanted} examples wanted"
        return [
            Verdict(HELD, dose, "; ".join(self._failed) or fine, done and not self._failed),
            Verdict(
                f"no action is rarer than {LEAST_SHARE:.1%} of the steps",
                dose,
                shown,
                min(share for _, share in shares) >= LEAST_SHARE,
            ),
        ]
