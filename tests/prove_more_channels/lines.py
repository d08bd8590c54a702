"""How many lines each provider takes: the fewer, the sooner somebody else can write one.

A provider is meant to be one file, so one that is split counts with all its own files together: splitting alone
shortens nothing. What several providers share is shown, not counted.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

from tests.outside.verdict import Verdict
from tests.prove_first_light.stage import Stage
from tests.prove_more_channels.providers import PROVIDERS, ROOT, Provider

MEDIAN, MOST = 150, 300
SHARED = (
    *("bounds.py", "details.py", "ed25519.py", "files_by_id.py", "http_adapter.py", "http_call.py", "json_api.py"),
    *("json_body.py", "jwt_hs256.py", "messages.py", "pieces.py", "proof.py", "receipts.py"),
    *("sms/carriers.py", "sms/opt_out.py"),
)


async def show(_stage: Stage) -> list[Verdict]:
    """Every line counts, empty ones and docstrings too."""
    counts = {one.name: sum(map(_lines, _files(one))) for one in PROVIDERS}
    middle, longest = median(counts.values()), max(counts.values())
    shown = ", ".join(f"{one.name} {counts[one.name]} in {len(_files(one))}" for one in PROVIDERS)
    shared = "shared: " + ", ".join(f"{Path(name).name} {_lines(ROOT / 'adapters' / name)}" for name in SHARED)
    return [
        Verdict(f"lines of a provider: median at most {MEDIAN}", shown, f"median {middle:g}", middle <= MEDIAN),
        Verdict(f"lines of a provider: none over {MOST}", shared, str(longest), longest <= MOST),
    ]


def _files(one: Provider) -> list[Path]:
    if one.channel == "sms":
        return [one.file]
    return sorted(file for file in one.file.parent.glob("*.py") if file.name != "__init__.py")


def _lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())
