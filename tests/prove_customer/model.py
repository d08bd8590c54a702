"""Random identity work until merge → inbound → unmerge has happened often enough, and every rule often enough.

Several rounds are played at once, each by a process of its own in a database of its own: a round waits for its
database most of the time. One that failed is played again by `tests.store.identity_model_round` with its seed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from store.embedded import EmbeddedPostgres
from store.migrate import migrate
from tests.conftest import database, execute
from tests.outside.verdict import Verdict
from tests.prove_first_light.stage import Stage
from tests.store.identity_model import RULES
from tests.store.identity_model_round import Played

RETURNED: Final = 500
COMPARED: Final = RETURNED // 2
LEAST_SHARE: Final = 0.05
EXAMPLES, DECKS = 8, 2
AT_ONCE: Final = 4
SECONDS: Final = 600
"""No round begins later; those that are played then are played to their end."""
FLEETING: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
TEMPLATE: Final = "template_of_rounds"


class Tally:
    """What was played so far, by round, and which failed."""

    def __init__(self) -> None:
        self.rounds: list[Played] = []
        self.failed: list[str] = []

    @property
    def rules(self) -> Counter[str]:
        """How often each rule ran; one that never did is among them."""
        rules = Counter(dict.fromkeys(RULES, 0))
        for played in self.rounds:
            rules.update(played.rules)
        return rules

    @property
    def returned(self) -> int:
        """Merge, then a message, then its undoing."""
        return sum(played.returned for played in self.rounds)

    def verdicts(self, seconds: float) -> list[Verdict]:
        """The claims of the model."""
        rules = self.rules
        steps = rules.total()
        sequences, restored = (sum(getattr(each, what) for each in self.rounds) for what in ("sequences", "restored"))
        dose = f"{len(self.rounds)} rounds, {sequences} sequences, {steps} steps in {seconds:.0f} s"
        shares = ", ".join(f"{name} {times} ({times / max(steps, 1):.1%})" for name, times in rules.most_common())
        return [
            Verdict(
                "nothing lost or doubled, each handle at one customer, every row restored",
                dose,
                "; ".join([*self.failed, f"{restored} undone merges compared row by row"]),
                not self.failed and restored >= COMPARED,
            ),
            Verdict(
                f"merge → inbound → unmerge at least {RETURNED} times",
                dose,
                f"{self.returned} times",
                self.returned >= RETURNED,
            ),
            Verdict(
                f"each rule at least {LEAST_SHARE:.0%} of the steps",
                dose,
                shares,
                steps > 0 and min(rules.values()) >= LEAST_SHARE * steps,
            ),
        ]


async def show(stage: Stage) -> list[Verdict]:
    """Play rounds, several at once, until the dose is reached, one fails, or time is over."""
    began = time.monotonic()
    async with server(stage.folder / "database") as url:
        with _progress() as progress:
            rounds = _Rounds(url, stage.rng, progress)
            async with asyncio.TaskGroup() as players:
                for _ in range(AT_ONCE):
                    players.create_task(rounds.play_on(began + SECONDS))
    return rounds.tally.verdicts(time.monotonic() - began)


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[str]:
    """The URL of a server with a template for the rounds; nothing in it outlives the proof."""
    folder.mkdir(mode=0o711)  # noqa: ASYNC240  # before anything else runs
    server = EmbeddedPostgres.start(folder, settings=FLEETING)
    try:
        await execute(server.url, f"create database {TEMPLATE}")
        await migrate(database(server.url, TEMPLATE))
        yield server.url
    finally:
        await asyncio.to_thread(server.stop)


def _progress() -> Progress:
    console = Console()
    return Progress(
        TextColumn("merge → inbound → unmerge"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rounds]} rounds, {task.fields[steps]} steps"),
        TimeElapsedColumn(),
        console=console if console.is_terminal else Console(width=160),
    )


class _Rounds:
    """Rounds as they are played, each in a copy of the template by a child."""

    def __init__(self, url: str, rng: Random, progress: Progress) -> None:
        self.tally = Tally()
        self._url, self._rng, self._progress = url, rng, progress
        self._bar = progress.add_task("", total=RETURNED, rounds=0, steps=0)

    async def play_on(self, until: float) -> None:
        """One round after the other, as long as there is something to be played for."""
        while self.tally.returned < RETURNED and not self.tally.failed and time.monotonic() < until:
            self.tally.rounds.append(Played())
            number, seed = len(self.tally.rounds), self._rng.randrange(2**32)
            name = f"round_{number}"
            await execute(self._url, f"create database {name} template {TEMPLATE} strategy file_copy")
            code = await self._play(number - 1, database(self._url, name), seed)
            if code:
                self.tally.failed.append(f"round {number} FAILED: run({EXAMPLES}, {DECKS}) with the seed {seed}")
            played = f"round {number}, seed {seed}: {'failed' if code else 'played'}"
            self._progress.console.print(
                f"  {played}; {self.tally.rules.total()} steps, {self.tally.returned} came back with what had arrived",
                highlight=False,
            )
            await execute(self._url, f"drop database {name} with (force)")

    async def _play(self, place: int, url: str, seed: int) -> int:
        """Hear what the child counts; gives its exit code. Its traceback goes where ours would."""
        numbers = map(str, (EXAMPLES, DECKS, seed))
        command = [sys.executable, "-m", "tests.store.identity_model_round", url, *numbers]
        child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert child.stdout is not None
        try:
            async for line in child.stdout:
                self.tally.rounds[place] = msgspec.json.decode(line, type=Played)
                steps = self.tally.rules.total()
                done = self.tally.returned
                self._progress.update(self._bar, completed=done, rounds=len(self.tally.rounds), steps=steps)
            return await child.wait()
        except asyncio.CancelledError:
            child.terminate()
            await child.wait()
            raise
