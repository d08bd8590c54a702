"""The simulator against Erlang's formula: probability of waiting, mean wait and service level, on many settings.

Poisson arrivals, exponential handling. Contacts of one run are not independent of each other, runs are: each figure
has an interval over the runs, so wide that all of them together miss the truth once in a thousand proofs.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from statistics import mean, stdev

from msgspec import Struct
from rich.console import Console

from router.simulation.given import Arrival, Shift
from router.simulation.running import simulate
from tests.outside.verdict import Verdict
from tests.prove_first_light.stage import Stage

HANDLING = 180.0
WITHIN = 20.0
RUNS = 20
CONTACTS = 20_000
BEFORE = 5_000
"""Contacts of a run that are not counted: it begins with nobody waiting."""
FALSE_ALARM = 0.001
NAMES = ("probability of waiting", "mean wait", f"answered within {WITHIN:g} s")


class Setting(Struct, frozen=True):
    """So many agents, busy for this part of their time."""

    agents: int
    occupancy: float


SMALL = Setting(5, 0.7)
SETTINGS = [
    *(Setting(1, 0.5), Setting(1, 0.7), Setting(2, 0.8), Setting(5, 0.7), Setting(8, 0.85)),
    *(Setting(10, 0.9), Setting(20, 0.9), Setting(30, 0.85), Setting(50, 0.9), Setting(50, 0.95)),
]
Figures = tuple[float, float, float]


def erlang_c(setting: Setting) -> Figures:
    """Of `NAMES`: what queueing theory says of M/M/c."""
    load = setting.agents * setting.occupancy
    blocked = 1.0  # Erlang B, by its recursion over agents
    for agents in range(1, setting.agents + 1):
        blocked = load * blocked / (agents + load * blocked)
    waits = blocked / (1 - setting.occupancy * (1 - blocked))
    drain = setting.agents * (1 - setting.occupancy) / HANDLING
    return waits, waits / drain, 1 - waits * math.exp(-drain * WITHIN)


def measure(setting: Setting, seed: int, contacts: int = CONTACTS, before: int = BEFORE, late: float = 1.0) -> Figures:
    """One run's figures. `late`: handling is that much longer than the formula has it."""
    chance = random.Random(f"{seed} {setting}")
    now = 0.0
    arrivals: list[Arrival] = []
    for _ in range(before + contacts):
        now += chance.expovariate(setting.agents * setting.occupancy / HANDLING)
        arrivals.append(Arrival(now, "q", handling=chance.expovariate(1 / (HANDLING * late))))
    staff = [Shift(f"agent {number}", frozenset({"q"}), {"voice": 1}) for number in range(setting.agents)]
    outcomes = simulate(arrivals, staff)
    waits = [
        (math.inf if one.answered is None else one.answered) - arrival.at
        for one, arrival in zip(outcomes[before:], arrivals[before:], strict=True)
    ]
    return mean(wait > 0 for wait in waits), mean(waits), mean(wait <= WITHIN for wait in waits)


@lru_cache
def student(freedom: int, outside: float) -> float:
    """The t of which this part lies beyond, on both sides together."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)

    def beyond(t: float) -> float:
        steps = 4000  # Simpson from 0 to t, of the density
        width = t / steps
        area = sum(
            (1 if step in (0, steps) else 4 if step % 2 else 2)
            * (1 + (step * width) ** 2 / freedom) ** (-(freedom + 1) / 2)
            for step in range(steps + 1)
        )
        return float(1 - 2 * scale * area * width / 3)

    low, high = 0.0, 100.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > outside else (low, middle)
    return high


class Compared(Struct, frozen=True):
    """One figure of one setting: what theory says, what the runs gave, and how far it may be off."""

    setting: Setting
    name: str
    theory: float
    found: float
    margin: float

    @property
    def agrees(self) -> bool:
        return abs(self.found - self.theory) <= self.margin

    def __str__(self) -> str:
        where = f"{self.setting.agents} agents at {self.setting.occupancy:.0%}"
        return f"{where}: {self.name} {self.found:.4g}, theory {self.theory:.4g} ± {self.margin:.2g}"


def compare(measured: Sequence[tuple[Setting, Sequence[Figures]]]) -> list[Compared]:
    """Every figure, each held to its part of the false alarms (Bonferroni)."""
    outside = FALSE_ALARM / (len(measured) * len(NAMES))
    found = []
    for setting, runs in measured:
        factor = student(len(runs) - 1, outside) / math.sqrt(len(runs))
        for name, theory, values in zip(NAMES, erlang_c(setting), zip(*runs, strict=True), strict=True):
            found.append(Compared(setting, name, theory, mean(values), factor * stdev(values)))
    return found


def disagreements(measured: Sequence[tuple[Setting, Sequence[Figures]]]) -> list[str]:
    """Figures that differ from theory by more than chance."""
    return [str(one) for one in compare(measured) if not one.agrees]


def run(seed: int, console: Console) -> list[Verdict]:
    """All settings, in as many processes as there are processors."""
    jobs = [(setting, seed * 1000 + number) for setting in SETTINGS for number in range(RUNS)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        figures = list(pool.map(measure, *zip(*jobs, strict=True)))
    measured = [(setting, figures[place * RUNS : (place + 1) * RUNS]) for place, setting in enumerate(SETTINGS)]
    verdicts = []
    compared = compare(measured)
    for place, setting in enumerate(SETTINGS):
        own = compared[place * len(NAMES) : (place + 1) * len(NAMES)]
        console.print(*own, sep="\n", highlight=False)
        claim = f"Erlang-C: {setting.agents} agents at {setting.occupancy:.0%}"
        observed = "; ".join(f"{one.name} {one.found:.4g} ({one.theory:.4g} ± {one.margin:.2g})" for one in own)
        dose = f"{RUNS} runs of {CONTACTS:,} contacts"
        verdicts.append(Verdict(claim, dose, observed, all(one.agrees for one in own)))
    return verdicts


async def show(stage: Stage) -> list[Verdict]:
    """The part of `prove routing`."""
    return await asyncio.to_thread(run, stage.seed, Console())
