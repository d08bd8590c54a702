"""What is wrong with a condition: each problem with its place, as `rules[2].when.all[0]`, and the remedy."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from model.voice_line import Hours
from router.rules.fields import OPERATORS, Kind, Kinds
from router.rules.language import MAX_DEPTH, MAX_PARTS, Rule, Test
from router.rules.naming import Choices, Problem
from router.rules.patterns import BadPattern, compile_pattern

_SPAN = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def faults_of(rule: Rule, place: str, kinds: Kinds, choice: Choices | None = None) -> Iterator[Problem]:
    """What keeps the rule's condition from being evaluated at all."""
    if rule.when is None:
        return
    choice = choice or Choices()
    for parts, (where, depth, test) in enumerate(walk(rule.when, f"{place}.when"), 1):
        if depth > MAX_DEPTH:
            yield Problem(where, "too_deep", f"Conditions are nested at most {MAX_DEPTH} deep; make it flatter.")
            return
        if parts > MAX_PARTS:
            yield Problem(where, "too_long", f"A condition has at most {MAX_PARTS} parts; split the rule.")
            return
        yield from _faults_of_test(test, where, kinds, choice)


def walk(test: Test, place: str, depth: int = 1) -> Iterator[tuple[str, int, Test]]:
    """The parts from the top, with where they stand and how deep; no deeper than one below what is allowed."""
    yield place, depth, test
    if depth > MAX_DEPTH:
        return
    for name, child in children(test):
        yield from walk(child, f"{place}.{name}", depth + 1)


def children(test: Test) -> Iterator[tuple[str, Test]]:
    """The parts one level below, by their place."""
    for name, group in (("all", test.all), ("any", test.any)):
        for number, child in enumerate(group or ()):
            yield f"{name}[{number}]", child
    if test.not_ is not None:
        yield "not", test.not_


def _faults_of_test(test: Test, place: str, kinds: Kinds, choice: Choices) -> Iterator[Problem]:
    operators = test.operators
    groups = sum(group is not None for group in (test.all, test.any, test.not_))
    if (test.field is None and (operators or groups != 1)) or (test.field is not None and groups):
        message = "A condition is one field with one operator, or one of all, any, not; correct it."
        yield Problem(place, "not_one_thing", message)
    elif test.field is not None and test.field not in kinds:
        message = f"There is no field {test.field!r}{choice(test.field, kinds)}"
        yield Problem(f"{place}.field", "unknown_field", message)
    elif test.field is not None:
        yield from _faults_of_operator(test, place, kinds[test.field])


def _faults_of_operator(test: Test, place: str, kind: Kind) -> Iterator[Problem]:
    allowed = (*OPERATORS[kind], "exists")
    operators = test.operators
    if len(operators) != 1:
        yield Problem(place, "not_one_thing", f"{test.field!r} takes one of: {', '.join(allowed)}.")
    elif operators[0] not in allowed:
        message = f"{test.field!r} is of kind {kind} and takes one of: {', '.join(allowed)}."
        yield Problem(f"{place}.{operators[0]}", "wrong_type", message)
    else:
        wrong = _wrong_value(kind, operators[0], test.value(operators[0]))
        if wrong:
            yield Problem(f"{place}.{operators[0]}", "wrong_type", wrong)


def _wrong_value(kind: Kind, operator: str, value: object) -> str | None:
    """Why an operator cannot compare with this value; None where it can."""
    if operator in ("within", "longer_ago"):
        return None if span_of(str(value)) else f"{value!r} is no length of time; write 90s, 30m, 72h or 7d."
    if operator == "matches":
        return _wrong_pattern(str(value))
    if isinstance(value, Hours):
        return _wrong_hours(value)
    if operator in ("before", "after") and kind == "moment":
        return None if moment_of(value) else f"{value!r} is no day (2026-11-26) and no instant (2026-11-26T09:30:00Z)."
    if operator in ("is", "gt", "ge", "lt", "le", "between", "before", "after"):
        limits = value if isinstance(value, tuple) else (value,)
        if not all(_fits(kind, limit) for limit in limits):
            return f"{_written(value)} is no {_NAMES[kind]}."
    return None


_NAMES: Final[dict[Kind, str]] = {
    **{"text": "text", "set": "set", "number": "number", "money": "amount, such as 18420.00"},
    **{"date": "day, such as 2026-11-26", "moment": "instant", "yes_no": "true or false"},
}


def _written(value: object) -> str:
    """As the author wrote it, or nearly: whole numbers came as such."""
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _fits(kind: Kind, value: object) -> bool:
    if kind == "yes_no":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind == "money":
        return amount_of(value) is not None
    return isinstance(value, str) and (kind != "date" or day_of(value) is not None)


def _wrong_pattern(pattern: str) -> str | None:
    try:
        compile_pattern(pattern)
    except BadPattern as error:
        return f"RE2 does not take this pattern: {error}."
    return None


def _wrong_hours(hours: Hours) -> str | None:
    if zone_of(hours.time_zone) is None:
        return f"There is no time zone {hours.time_zone!r}; write one such as Europe/Berlin."
    backwards = [span for spans in hours.open.values() for span in spans if span[0] >= span[1]]
    if backwards:
        since, until = backwards[0]
        return f"{since} to {until} is no time of a day; end it later, or split it at 24:00."
    days = [day for day in hours.holidays if day_of(day) is None]
    return f"{days[0]!r} is no day; write one such as 2026-12-25." if days else None


def span_of(text: str) -> timedelta | None:
    """A length of time such as 90s, 30m, 72h or 7d; None where it is none."""
    found = _SPAN.fullmatch(text)
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None


def day_of(text: object) -> date | None:
    """A day such as 2026-11-26."""
    try:
        return date.fromisoformat(text) if isinstance(text, str) and _DAY.fullmatch(text) else None
    except ValueError:
        return None


def moment_of(value: object) -> datetime | None:
    """An instant with its offset, or the begin of a day in UTC."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    if not 1 < moment.year < 9999:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def amount_of(value: object) -> Decimal | None:
    """An amount of money, exactly."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(value if isinstance(value, str) else repr(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


@cache
def _zones() -> frozenset[str]:
    """Names that mean the same on every machine."""
    return frozenset(available_timezones()) - {"localtime", "Factory"}


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of this name."""
    return ZoneInfo(name) if name in _zones() else None
