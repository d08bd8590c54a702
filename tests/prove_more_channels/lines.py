"""How long the files of each provider are: the shorter, the sooner somebody else can write one.

Judged is every file a provider is written in; what the carriers of text messages share is shown.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

from tests.outside.verdict import Verdict
from tests.prove_first_light.stage import Stage
from tests.prove_more_channels.providers import PROVIDERS, ROOT, Provider

MEDIAN, MOST = 150, 300
SHARED = ("adapters/sms/carriers.py", "adapters/sms/opt_out.py", "adapters/jwt_hs256.py", "adapters/ed25519.py")


async def show(_stage: Stage) -> list[Verdict]:
    """Every line counts, empty ones and docstrings too."""
    files = [file for one in PROVIDERS for file in _files(one)]
    counts = {f"{file.parent.name}/{file.name}": _lines(file) for file in files}
    middle, longest = median(counts.values()), max(counts.values())
    shown = ", ".join(f"{name} {count}" for name, count in counts.items())
    sums = ", ".join(f"{one.name} {sum(map(_lines, _files(one)))}" for one in PROVIDERS)
    sums += "; shared: " + ", ".join(f"{Path(name).name} {_lines(ROOT / name)}" for name in SHARED)
    first = median(_lines(one.file) for one in PROVIDERS)
    return [
        Verdict(f"lines of a provider's file: median at most {MEDIAN}", shown, f"median {middle:g}", middle <= MEDIAN),
        Verdict(f"lines of a provider's file: none over {MOST}", f"{len(counts)} files", str(longest), longest <= MOST),
        Verdict(
            f"the file each begins with: median at most {MEDIAN}",
            f"in all: {sums}",
            f"median {first:g}",
            first <= MEDIAN,
        ),
    ]


def _files(one: Provider) -> list[Path]:
    if one.channel == "sms":
        return [one.file]
    return sorted(file for file in one.file.parent.glob("*.py") if file.name != "__init__.py")


def _lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())
