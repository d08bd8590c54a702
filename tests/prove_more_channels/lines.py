"""How long the file of each provider is: the shorter, the sooner somebody else can write one."""

from __future__ import annotations

from statistics import median

from tests.outside.verdict import Verdict
from tests.prove_first_light.stage import Stage
from tests.prove_more_channels.providers import PROVIDERS

MEDIAN, MOST = 150, 300


async def show(_stage: Stage) -> list[Verdict]:
    """Every line counts, empty ones and docstrings too."""
    counts = {one.name: len(one.file.read_text(encoding="utf-8").splitlines()) for one in PROVIDERS}
    middle, longest = median(counts.values()), max(counts.values())
    shown = ", ".join(f"{name} {count}" for name, count in counts.items())
    return [
        Verdict(f"lines of a provider's file: median at most {MEDIAN}", shown, f"median {middle:g}", middle <= MEDIAN),
        Verdict(f"lines of a provider's file: none over {MOST}", f"{len(counts)} files", str(longest), longest <= MOST),
    ]
