"""Conditions over what is known of somebody: a bounded tree of tests, and whether it is met. Pure.

    {"all": [{"field": "plan", "in": ["gold", "platinum"]}, {"not": {"field": "tags", "has": "dunning"}}]}

A condition is one field with one operator, or one of `all`, `any`, `not`. A value that is not known meets nothing but
`{"field": …, "known": false}`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

MAX_DEPTH = 16
MAX_NODES = 100

Fact = str | float | bool | datetime | tuple[str, ...] | None
Facts = Mapping[str, Fact]
"""What is known, by field."""
Text = Annotated[str, Meta(max_length=256)]


class Condition(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"is_": "is", "in_": "in", "not_": "not"},
):
    """One field with one operator, or one of `all`, `any`, `not`.

    `is` and `in` compare texts without regard to case. `has`: a list holds it, a text contains it. `before` and `after`
    name an instant (RFC 3339) or a day.
    """

    field: Annotated[str, Meta(max_length=80)] | None = None
    is_: Text | float | bool | None = None
    in_: Annotated[tuple[Text | float, ...], Meta(min_length=1, max_length=100)] | None = None
    has: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    at_least: float | None = None
    at_most: float | None = None
    before: Text | None = None
    after: Text | None = None
    known: bool | None = None
    all: Annotated[tuple[Condition, ...], Meta(min_length=1)] | None = None
    any: Annotated[tuple[Condition, ...], Meta(min_length=1)] | None = None
    not_: Condition | None = None


_OPERATORS = ("is_", "in_", "has", "at_least", "at_most", "before", "after", "known")
_GROUPS = ("all", "any", "not_")


class Problem(Struct, frozen=True):
    """Why a condition cannot be used. `place`: where in it, as `all[1].not`; empty for the whole of it."""

    place: str
    message: str


def check(condition: Condition, known_fields: Collection[str]) -> Problem | None:
    """The first thing that is wrong with a condition; None when it can be used."""
    for number, (place, depth, each) in enumerate(_walk(condition, "", 1)):
        if depth > MAX_DEPTH:
            return Problem(place, f"Conditions are nested at most {MAX_DEPTH} deep; make it flatter.")
        if number >= MAX_NODES:
            return Problem(place, f"A condition has at most {MAX_NODES} parts; leave some out.")
        wrong = _wrong(each, known_fields)
        if wrong is not None:
            return Problem(place, wrong)
    return None


def _walk(condition: Condition, place: str, depth: int) -> Iterator[tuple[str, int, Condition]]:
    """The parts from the top, with where they stand and how deep; no deeper than one below what is allowed."""
    yield place, depth, condition
    if depth > MAX_DEPTH:
        return
    dot = "." if place else ""
    for name, group in (("all", condition.all), ("any", condition.any)):
        for number, child in enumerate(group or ()):
            yield from _walk(child, f"{place}{dot}{name}[{number}]", depth + 1)
    if condition.not_ is not None:
        yield from _walk(condition.not_, f"{place}{dot}not", depth + 1)


def _wrong(condition: Condition, known_fields: Collection[str]) -> str | None:
    operators = [name for name in _OPERATORS if getattr(condition, name) is not None]
    groups = [name for name in _GROUPS if getattr(condition, name) is not None]
    if condition.field is None and (operators or len(groups) != 1):
        return "A condition is one field with one operator, or one of all, any, not."
    if condition.field is not None and (groups or len(operators) != 1):
        return f"A field has one operator: {', '.join(name.rstrip('_') for name in _OPERATORS)}."
    if condition.field is not None and condition.field not in known_fields:
        return f"There is no field {condition.field!r}; there are: {', '.join(sorted(known_fields))}."
    for value in (condition.before, condition.after):
        if value is not None and instant(value) is None:
            return f"{value!r} is no instant (2026-11-26T09:30:00Z) and no day (2026-11-26)."
    return None


def meets(condition: Condition, facts: Facts) -> bool:
    """Whether what is known meets the condition."""
    if condition.all is not None:
        return all(meets(child, facts) for child in condition.all)
    if condition.any is not None:
        return any(meets(child, facts) for child in condition.any)
    if condition.not_ is not None:
        return not meets(condition.not_, facts)
    value = facts.get(condition.field or "")
    value = None if value in ("", ()) else value
    if condition.known is not None:
        return (value is not None) == condition.known
    return value is not None and any(_holds(condition, each, value) for each in _each(value))


def _each(value: Fact) -> tuple[Fact, ...]:
    return value if isinstance(value, tuple) else (value,)


def _holds(condition: Condition, one: Fact, whole: Fact) -> bool:
    """Whether one value (of a list: one item) passes the operator."""
    if condition.is_ is not None:
        return _same(one, condition.is_)
    if condition.in_ is not None:
        return any(_same(one, each) for each in condition.in_)
    if condition.has is not None:
        sought = condition.has.casefold()
        held = one.casefold() if isinstance(one, str) else ""
        return sought == held if isinstance(whole, tuple) else sought in held
    if condition.at_least is not None or condition.at_most is not None:
        number = _number(one)
        return (
            number is not None
            and (condition.at_least is None or number >= condition.at_least)
            and (condition.at_most is None or number <= condition.at_most)
        )
    moment = one if isinstance(one, datetime) else instant(one) if isinstance(one, str) else None
    before, after = (instant(each) if each else None for each in (condition.before, condition.after))
    return moment is not None and (before is None or moment < before) and (after is None or moment > after)


def _same(one: Fact, asked: str | float | bool) -> bool:
    if isinstance(one, str) and isinstance(asked, str):
        return one.casefold() == asked.casefold()
    if isinstance(one, bool) or isinstance(asked, bool):
        return one is asked
    return _number(one) is not None and _number(one) == _number(asked)


def _number(value: Fact) -> float | None:
    """A number, or the text of one: money is kept as text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def instant(text: str) -> datetime | None:
    """An instant or the begin of a day in UTC; None when it is neither."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
