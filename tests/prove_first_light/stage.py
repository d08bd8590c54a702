"""Where a part of a proof is played: a folder, chance with a seed, and the demos started there."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from tests.outside.demo import Demo
from tests.outside.screen import Screen
from tests.outside.verdict import Verdict


@dataclass
class Stage:
    """One part's own place; everything started through it is ended by `end`."""

    folder: Path
    rng: random.Random
    seed: int
    demos: list[Demo] = field(default_factory=list)
    screens: list[Screen] = field(default_factory=list)
    long: bool = False
    """Whether a part that has a larger dose shall give it."""
    shard: tuple[int, int] = (1, 1)
    """Of a part whose dose can be divided: which share of how many this run is."""

    def demo(self, processes: int = 2) -> Demo:
        """A demo in this folder, not started yet."""
        demo = Demo(self.folder / "demo", processes=processes)
        demo.folder.mkdir(exist_ok=True)
        self.demos.append(demo)
        return demo

    def screen(self, screen: Screen) -> Screen:
        """Remember a screen, to end it."""
        self.screens.append(screen)
        return screen

    async def end(self) -> None:
        """End every screen and every process, by its id."""
        for screen in self.screens:
            await screen.drop()
        for demo in self.demos:
            await demo.stop()

    def last_words(self) -> str:
        """What the demos printed last."""
        return "\n".join(demo.last_words() for demo in self.demos)


class Part(Struct, frozen=True):
    """One part and the time it may take, also with a larger dose."""

    show: Callable[[Stage], Awaitable[list[Verdict]]]
    seconds: float
    long_seconds: float | None = None

    def limit(self, *, long: bool) -> float:
        """How long it may take."""
        return self.long_seconds if long and self.long_seconds else self.seconds
