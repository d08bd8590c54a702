"""Which value a profile shows where several customers are one person. Pure.

Every leaf keeps its own values and where they come from. A profile is the leaves put together along the merges that
made it one, each by the same rules, first that holds:

1. what was edited after the merge, also to nothing: the editor saw the outcome
2. what was chosen at the merge
3. what only one side has
4. lists are joined, without doubles
5. what an agent or another system said beats what came with a message
6. the survivor's

What loses stays beside. Without the merge the leaf is what it was, for nothing of it was ever changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from model.customer import Provenance

Value = str | float | bool | date | tuple[str, ...] | None
Choice = Literal["survivor", "loser"]

LISTS = ("tags", "preferred_channels", "refused_channels")
EDITED, CHOSEN, ALONE = "edited after the merge", "chosen at the merge", "only one side has it"
JOINED, SAID = "lists are joined", "said by an agent or another system"
ALIKE, STAYS = "both say the same", "survivor's value stays"


class Leaf(Struct, frozen=True):
    """A customer's own values by field, custom ones as `fields.<key>`, and where they come from."""

    id: UUID
    values: dict[str, Value]
    facts: dict[str, Provenance]
    created_at: datetime


class MergeLink(Struct, frozen=True):
    """A live merge: two roots became one. `choices`: where its agent overruled the rules."""

    survivor: UUID
    loser: UUID
    at: datetime
    choices: dict[str, Choice] = {}


class Outcome(Struct, frozen=True):
    """A field's value as the profile shows it; `rule`: why it is this one, where a merge had to decide."""

    value: Value = None
    provenance: Provenance | None = None
    rule: str | None = None


Composed = dict[str, Outcome]
"""Outcomes by field."""

NOTHING = Outcome()


def compose(root: UUID, leaves: Iterable[Leaf], links: Iterable[MergeLink]) -> Composed:
    """The profile of `root`: its own leaf, then what was merged into it in order of time, each composed alike."""
    by_id = {leaf.id: leaf for leaf in leaves}
    into: dict[UUID, list[MergeLink]] = {}
    for link in sorted(links, key=lambda each: (each.at, each.loser)):
        into.setdefault(link.survivor, []).append(link)
    return _fold(root, by_id, into)


def _fold(root: UUID, by_id: Mapping[UUID, Leaf], into: Mapping[UUID, list[MergeLink]]) -> Composed:
    composed = outcomes_of(by_id[root])
    for link in into.get(root, ()):
        composed = combine(composed, _fold(link.loser, by_id, into), link.choices, link.at)
    return composed


def outcomes_of(leaf: Leaf) -> Composed:
    """A leaf by itself. A value without a fact came with the first contact."""
    outcomes: Composed = {}
    for field in leaf.values.keys() | leaf.facts.keys():
        value = leaf.values.get(field)
        fact = leaf.facts.get(field)
        if fact is None and value not in (None, ()):
            fact = Provenance("channel", leaf.created_at)
        outcomes[field] = Outcome(value, fact)
    return outcomes


def combine(ours: Composed, theirs: Composed, choices: Mapping[str, Choice], at: datetime) -> Composed:
    """What the survivor (`ours`) and the loser are together, merged at this time, and the rule for every field."""
    return {
        field: _decide(field, ours.get(field, NOTHING), theirs.get(field, NOTHING), choices.get(field), at)
        for field in sorted(ours.keys() | theirs.keys())
    }


def _decide(field: str, ours: Outcome, theirs: Outcome, choice: Choice | None, at: datetime) -> Outcome:
    if ours.provenance is not None and ours.provenance.at > at:
        return _won(ours, theirs, EDITED)
    if choice is not None:
        return _won(ours, theirs, CHOSEN) if choice == "survivor" else _won(theirs, ours, CHOSEN)
    if _empty(ours) or _empty(theirs):
        if _empty(ours) and _empty(theirs):
            return _won(ours, theirs, ALIKE)
        return _won(theirs, ours, ALONE) if _empty(ours) else _won(ours, theirs, ALONE)
    if ours.value == theirs.value:
        return _won(theirs, ours, ALIKE) if _weight(theirs) > _weight(ours) else _won(ours, theirs, ALIKE)
    if field in LISTS:
        return _joined(ours, theirs)
    if _said(theirs) and not _said(ours):
        return _won(theirs, ours, SAID)
    return _won(ours, theirs, SAID if _said(ours) and not _said(theirs) else STAYS)


def _weight(outcome: Outcome) -> tuple[bool, bool]:
    """How well a value is known: proven, or at least said by somebody."""
    return (outcome.provenance is not None and outcome.provenance.verified, _said(outcome))


def _empty(outcome: Outcome) -> bool:
    return outcome.value is None or outcome.value == ()


def _said(outcome: Outcome) -> bool:
    return outcome.provenance is not None and outcome.provenance.source != "channel"


def _won(winner: Outcome, other: Outcome, rule: str) -> Outcome:
    """The winner with what the other says beside it.

    Its revision is one that neither side ever had where they differ: whoever saw but one of them, and edits, is told.
    """
    base = winner.provenance or other.provenance
    if base is None:
        return Outcome(winner.value, None, rule)
    if winner.provenance is None:
        base = Provenance(base.source, base.at)
    provenance = msgspec.structs.replace(
        base, revision=_seen_by_nobody(winner, other, rule), beside=_beside(winner, other)
    )
    return Outcome(winner.value, provenance, rule)


def _seen_by_nobody(winner: Outcome, other: Outcome, rule: str) -> int:
    if rule == EDITED:
        return _revision(winner)
    if winner.value == other.value:
        return max(_revision(winner), _revision(other))
    return _revision(winner) + _revision(other) + 1


def _joined(ours: Outcome, theirs: Outcome) -> Outcome:
    lists = (outcome.value for outcome in (ours, theirs) if isinstance(outcome.value, tuple))
    value = tuple(dict.fromkeys(item for each in lists for item in each))
    provenance = _won(ours, theirs, JOINED).provenance
    if provenance is not None:
        # What an earlier merge left out stays beside; what is joined now does not.
        beside = tuple(word for word in provenance.beside if word not in value)
        provenance = msgspec.structs.replace(provenance, beside=beside)
    return Outcome(value, provenance, JOINED)


def _revision(outcome: Outcome) -> int:
    return outcome.provenance.revision if outcome.provenance else 0


def _beside(winner: Outcome, other: Outcome) -> tuple[str, ...]:
    """Every other word on the field, once."""
    shown = set(_words(winner.value))
    said = [*_words(other.value)]
    for outcome in (winner, other):
        said += outcome.provenance.beside if outcome.provenance else ()
    return tuple(dict.fromkeys(word for word in said if word not in shown))


def _words(value: Value) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, tuple):
        return value
    if isinstance(value, bool):
        return ("yes" if value else "no",)
    return (f"{value:.15g}" if isinstance(value, float) else str(value),)
