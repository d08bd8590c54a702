"""Conditions as closures: what can be known before a contact comes is worked out once.

Only what passed `checking.faults_of` is compiled. A closure never raises and takes time that the condition's own bounds
limit, patterns too. Values are prepared once for all rules: folded, parsed, and where there
is none, something that fails every comparison without being asked for: an empty text or set, NaN, else None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time
from math import isnan, nan
from typing import Any, cast

from model.voice_line import Hours
from router.business_time import BusinessTime
from router.rules.checking import amount_of, day_of, moment_of, span_of, walk
from router.rules.fields import Fact, Facts, Kind, Kinds
from router.rules.language import Test
from router.rules.patterns import LONGEST_SEARCHED, compile_pattern

Prepared = dict[str, Any]
"""Values in the form in which they are compared, of every field that is read."""
Check = Callable[[Prepared], bool]


Readers = tuple[tuple[str, str, Callable[[Fact], Any]], ...]
"""What conditions compare: the key of a prepared value, the fact it is made of, and how."""


def readers_of(tests: Iterable[Test], kinds: Kinds) -> Readers:
    """What these conditions compare."""
    readers: dict[str, tuple[str, Callable[[Fact], Any]]] = {}
    for when in tests:
        for _place, _depth, test in walk(when, ""):
            if test.field is None:
                continue
            if test.matches is not None:
                readers[as_written(test.field)] = (test.field, _bytes)
            else:
                readers[test.field] = (test.field, _READERS[kinds[test.field]])
            if test.within or test.longer_ago:
                readers["now"] = ("now", _READERS["moment"])
    return tuple((key, field, read) for key, (field, read) in readers.items())


def as_written(field: str) -> str:
    """The key of a text that is not folded, in UTF-8: what patterns are searched in."""
    return f"{field} as written"


def prepare(facts: Facts, readers: Readers) -> Prepared:
    """The values as conditions compare them."""
    return {key: read(facts.get(field)) for key, field, read in readers}


def compile_test(test: Test, kinds: Kinds) -> Check:
    """A function that says whether the condition holds of a contact's prepared values."""
    if test.all is not None:
        return _every([compile_test(child, kinds) for child in test.all])
    if test.any is not None:
        return _some([compile_test(child, kinds) for child in test.any])
    if test.not_ is not None:
        inner = compile_test(test.not_, kinds)
        return lambda given: not inner(given)
    return _compile_field(test, kinds)


def _every(checks: list[Check]) -> Check:
    if len(checks) == 2:
        first, second = checks
        return lambda given: first(given) and second(given)

    def check(given: Prepared) -> bool:
        for each in checks:  # noqa: SIM110  # all() makes a generator of them, which takes twice as long
            if not each(given):
                return False
        return True

    return check


def _some(checks: list[Check]) -> Check:
    if len(checks) == 2:
        first, second = checks
        return lambda given: first(given) or second(given)

    def check(given: Prepared) -> bool:
        for each in checks:  # noqa: SIM110  # see above
            if each(given):
                return True
        return False

    return check


def _compile_field(test: Test, kinds: Kinds) -> Check:
    field = test.field or ""
    kind, operator = kinds[field], test.operators[0]
    wanted = test.value(operator)
    if operator == "exists":
        there = _there(kind, field)
        return there if wanted else lambda given: not there(given)
    if operator in ("within", "longer_ago"):
        return _elapsed(field, kind, operator, str(wanted))
    if isinstance(wanted, Hours):
        return _open(field, wanted)
    if kind == "set":
        return _of_set(field, operator, wanted)
    if operator == "matches":
        key, holds = as_written(field), compile_pattern(str(wanted))
        return lambda given: bool(given[key]) and holds(given[key])
    if kind == "text":
        return _of_text(field, operator, wanted)
    limits = [_limit(kind, each) for each in (wanted if isinstance(wanted, tuple) else (wanted,))]
    return _of_number(field, operator, limits) if kind == "number" else _of_order(field, operator, limits)


def _there(kind: Kind, field: str) -> Check:
    if kind in ("text", "set"):
        return lambda given: bool(given[field])
    if kind == "number":
        return lambda given: not isnan(given[field])
    return lambda given: given[field] is not None


def _text(value: Fact) -> str:
    return value.casefold() if isinstance(value, str) else ""


def _bytes(value: Fact) -> bytes:
    return value[:LONGEST_SEARCHED].encode("utf-8", "replace") if isinstance(value, str) else b""


def _set(value: Fact) -> frozenset[str]:
    return frozenset(each.casefold() for each in value) if isinstance(value, tuple) else frozenset()


def _number(value: Fact) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else nan


_READERS: dict[Kind, Callable[[Fact], Any]] = {
    "text": _text,
    "set": _set,
    "number": _number,
    "money": amount_of,
    "date": day_of,
    "moment": lambda value: value if isinstance(value, datetime) else None,
    "yes_no": lambda value: value if isinstance(value, bool) else None,
}


def _limit(kind: Kind, wanted: object) -> Any:
    readers: dict[Kind, Callable[[Any], Any]] = {"money": amount_of, "date": day_of, "moment": moment_of}
    return readers[kind](wanted) if kind in readers else wanted


def _of_text(field: str, operator: str, wanted: object) -> Check:
    if operator == "in":
        those = frozenset(each.casefold() for each in cast(tuple[str, ...], wanted) if each)
        return lambda given: given[field] in those
    one = str(wanted).casefold()
    if not one:
        return _never
    if operator == "contains":
        return lambda given: one in given[field]
    if operator == "starts":
        return lambda given: given[field].startswith(one)
    return lambda given: given[field] == one


def _never(_given: Prepared) -> bool:
    return False


def _of_set(field: str, operator: str, wanted: object) -> Check:
    if operator == "contains":
        part = str(wanted).casefold()
        return lambda given: any(part in each for each in given[field])
    those = frozenset(each.casefold() for each in cast(tuple[str, ...], wanted))
    if operator == "has_all":
        return lambda given: those <= given[field] if those else bool(given[field])
    return lambda given: not those.isdisjoint(given[field])


def _of_number(field: str, operator: str, limits: list[Any]) -> Check:
    """NaN fails all of them, so that there is no asking for a value first."""
    first, last = limits[0], limits[-1]
    checks: dict[str, Check] = {
        "is": lambda given: given[field] == first,
        "gt": lambda given: given[field] > first,
        "ge": lambda given: given[field] >= first,
        "lt": lambda given: given[field] < first,
        "le": lambda given: given[field] <= first,
        "between": lambda given: first <= given[field] <= last,
    }
    return checks[operator]


def _of_order(field: str, operator: str, limits: list[Any]) -> Check:
    first, last = limits[0], limits[-1]
    checks: dict[str, Check] = {
        "is": lambda given: given[field] == first,
        "gt": lambda given: (value := given[field]) is not None and value > first,
        "ge": lambda given: (value := given[field]) is not None and value >= first,
        "lt": lambda given: (value := given[field]) is not None and value < first,
        "le": lambda given: (value := given[field]) is not None and value <= first,
        "between": lambda given: (value := given[field]) is not None and first <= value <= last,
    }
    return checks[{"after": "gt", "before": "lt"}.get(operator, operator)]


def _elapsed(field: str, kind: Kind, operator: str, wanted: str) -> Check:
    span = span_of(wanted)
    assert span is not None, "it was checked"  # noqa: S101  # only checked conditions are compiled
    within = operator == "within"

    def check(given: Prepared) -> bool:
        value, now = given[field], given["now"]
        if value is None or now is None:
            return False
        since = value if kind == "moment" else datetime.combine(value, time(), UTC)
        return (now - since <= span) is within

    return check


def _open(field: str, hours: Hours) -> Check:
    there = BusinessTime(hours).is_open
    return lambda given: (value := given[field]) is not None and there(value)
