"""What differs between two rule sets. Rules and cases are told apart by their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal

from msgspec import Struct

from router.rules.language import Case, Rule, RuleSet


class Difference(Struct, frozen=True):
    """One rule or case that is not the same. `parts`: what of it changed."""

    what: Literal["rule", "case"]
    name: str
    change: Literal["added", "removed", "changed", "moved"]
    parts: tuple[str, ...] = ()


def differences(before: RuleSet, after: RuleSet) -> tuple[Difference, ...]:
    """What was removed, then what is there now in its order: added, changed, moved. Order matters among rules only."""
    rules = _between("rule", before.rules, after.rules)
    cases = [each for each in _between("case", before.cases, after.cases) if each.change != "moved"]
    return (*rules, *cases)


def _between(
    what: Literal["rule", "case"], before: Sequence[Rule | Case], after: Sequence[Rule | Case]
) -> Iterator[Difference]:
    old = {each.name: each for each in before}
    new = {each.name: each for each in after}
    yield from (Difference(what, name, "removed") for name in old if name not in new)
    moved = _moved([name for name in old if name in new], [name for name in new if name in old])
    for name, each in new.items():
        if name not in old:
            yield Difference(what, name, "added")
            continue
        parts = tuple(part for part in each.__struct_fields__ if getattr(each, part) != getattr(old[name], part))
        if parts:
            yield Difference(what, name, "changed", parts)
        if name in moved:
            yield Difference(what, name, "moved")


def _moved(before: list[str], after: list[str]) -> set[str]:
    """Names that left the longest common order."""
    kept = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    return set(after).difference(*(after[block.b : block.b + block.size] for block in kept))
