"""The world outside: it shares nothing with the product, and misbehaves in the shares it was told."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.outside.whims import Whims, arranged

OUTSIDE = Path(__file__).resolve().parents[3] / "gateway" / "demo" / "outside"
OURS = ("gateway", "adapters", "profiles", "router", "pushers", "store", "model", "tests", "benchmarks")
ITSELF = "gateway.demo.outside"


@pytest.mark.parametrize("path", sorted(OUTSIDE.glob("*.py")), ids=lambda path: path.stem)
def test_it_imports_nothing_of_ours_but_itself(path: Path) -> None:
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    nodes = [node for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [name for node in nodes for name in imported(node)]
    assert [name for name in names if name.partition(".")[0] in OURS and not name.startswith(ITSELF)] == []


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The modules an import names; a relative one stays inside."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [] if node.level else [node.module or ""]


@pytest.mark.parametrize(
    "shares", [{"429": 0.3}, {"429": 0.3, "500": 0.2, "reset_after_accept": 0.05}, {"hang": 1.0}, {"500": 0.5}]
)
def test_every_mode_of_a_mixture_keeps_its_share(shares: dict[str, float]) -> None:
    whims = Whims()
    whims.wish({"mixture": [{"mode": mode, "share": share} for mode, share in shares.items()]})
    counted = Counter(whims.next().mode for _ in range(2000))
    for mode, share in shares.items():
        assert abs(counted[mode] - 2000 * share) <= 2, counted


def test_a_count_ends_it() -> None:
    whims = Whims()
    whims.wish({"mode": "500", "count": 2})
    assert [whims.next().mode for _ in range(4)] == ["500", "500", "none", "none"]


def test_an_unknown_mode_is_refused_and_changes_nothing() -> None:
    whims = Whims()
    with pytest.raises(ValueError, match="mode is one of"):
        whims.wish({"mixture": [{"mode": "500"}, {"mode": "dance"}]})
    assert whims.next().mode == "none"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("none", [1, 2]), ("duplicate_callbacks", [1, 1, 2, 2]), ("reorder_callbacks", [2, 1]), ("no_callbacks", [])],
)
async def test_callbacks_come_as_the_mode_has_them(mode: str, expected: list[int]) -> None:
    came: list[int] = []

    async def each(item: Any) -> None:
        came.append(item)

    await arranged(mode, [1, 2], each)
    assert came == expected
