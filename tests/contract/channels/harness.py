"""Every provider of ours that is tested. Found by name: `tests/adapters/<channel>/<provider>_requests.py:Harness`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from adapters.testing import OTHER_SECRET, Becomes, Body, HarnessBase, without

__all__ = ["OTHER_SECRET", "Becomes", "Body", "HarnessBase", "harnesses", "without"]
ADAPTERS = Path(__file__).resolve().parents[2] / "adapters"


def harnesses() -> dict[str, HarnessBase]:
    """Every provider that takes part, by the name of its file."""
    found: dict[str, HarnessBase] = {}
    for path in sorted(ADAPTERS.glob("*/*_requests.py")):
        module = import_module(f"tests.adapters.{path.parent.name}.{path.stem}")
        made = getattr(module, "Harness", None)
        if made is not None:
            found[f"{path.parent.name}/{path.stem.removesuffix('_requests')}"] = made()
    return found
