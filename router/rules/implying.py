"""What one condition says of another. Sound, not complete: True is proven, False means that nothing is known.

Comparing all rules of a large set with each other could take long, so a comparison has a number of steps and gives up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from router.rules.checking import amount_of, children, day_of, moment_of, span_of
from router.rules.compiling import compile_test, prepare, readers_of
from router.rules.fields import Kinds
from router.rules.language import Test

MOST_STEPS: Final = 50_000
_ORDER: Final = frozenset({"is", "gt", "ge", "lt", "le", "between", "before", "after"})


class Range(Struct, frozen=True):
    """Values from `low` to `high`; None: without end. An open end does not hold its value."""

    low: Any
    low_open: bool
    high: Any
    high_open: bool

    @property
    def empty(self) -> bool:
        """Whether no value is in it."""
        if self.low is None or self.high is None:
            return False
        return bool(self.low > self.high or (self.low == self.high and (self.low_open or self.high_open)))

    def both(self, other: Range) -> Range:
        """What is in both."""
        low, high = self, self
        if other.low is not None and (self.low is None or (other.low, other.low_open) > (self.low, self.low_open)):
            low = other
        if other.high is not None and (
            self.high is None or (other.high, not other.high_open) < (self.high, not self.high_open)
        ):
            high = other
        return Range(low.low, low.low_open, high.high, high.high_open)


class Comparison:
    """Compares conditions that are free of faults."""

    def __init__(self, kinds: Kinds, steps: int = MOST_STEPS) -> None:
        self._kinds = kinds
        self._left = steps

    @property
    def gave_up(self) -> bool:
        """Whether it ran out of steps: what it did not find may be there."""
        return self._left <= 0

    def _step(self) -> bool:
        self._left -= 1
        return self._left > 0

    def always(self, test: Test | None) -> bool:
        """The condition holds whatever comes."""
        if test is None:
            return True
        if test.all is not None:
            return all(map(self.always, test.all))
        if test.any is not None:
            return any(map(self.always, test.any))
        return test.not_ is not None and self.never(test.not_)

    def never(self, test: Test) -> bool:
        """The condition cannot hold, whatever comes."""
        if not self._step():
            return False
        if test.all is not None:
            parts = _conjuncts(test)
            pairs = ((one, other) for number, one in enumerate(parts) for other in parts[:number])
            return (
                any(map(self.never, parts))
                or any(self._exclude(one, other) for one, other in pairs)
                or any(part.not_ is not None and self.implies(test, part.not_) for part in parts)
            )
        if test.any is not None:
            return all(map(self.never, test.any))
        if test.not_ is not None:
            return self.always(test.not_)
        if test.hours is not None:
            return not any(test.hours.open.values())
        if () in (test.in_, test.has_any):
            return True
        limits = self._range(test)
        return limits is not None and limits.empty

    def implies(self, one: Test, other: Test) -> bool:
        """Whenever the one holds, the other does."""
        if not self._step():
            return False
        if one == other or (other.all is not None and all(self.implies(one, part) for part in other.all)):
            return True
        if one.any is not None:
            return bool(one.any) and all(self.implies(part, other) for part in one.any)
        if one.all is not None and any(self.implies(part, other) for part in one.all):
            return True
        if other.any is not None:
            return any(self.implies(one, part) for part in other.any)
        if other.not_ is not None:
            if one.not_ is not None:
                return self.implies(other.not_, one.not_)
            return self._exclude(one, other.not_)
        return one.field is not None and one.field == other.field and self._field_implies(one, other)

    def _exclude(self, one: Test, other: Test) -> bool:
        """Never do both hold."""
        if not self._step():
            return False
        for this, that in ((one, other), (other, one)):
            if this.not_ is not None:
                return self.implies(that, this.not_)
            if this.all is not None:
                return any(self._exclude(part, that) for _place, part in children(this))
            if this.any is not None:
                return all(self._exclude(part, that) for _place, part in children(this))
        return one.field is not None and one.field == other.field and self._fields_exclude(one, other)

    def _fields_exclude(self, one: Test, other: Test) -> bool:
        for this, that in ((one, other), (other, one)):
            if this.exists is False:
                return that.exists is not False
            if that.matches is not None:  # it regards what others fold, so that no value of theirs proves anything
                return False
            values = self._values(this)
            if values is not None:
                holds = self._check(that)
                return all(self._step() and not holds(value) for value in values)
            if this.within is not None and that.longer_ago is not None:
                return bool(_span(this.within) <= _span(that.longer_ago))
        ours, theirs = self._range(one), self._range(other)
        return ours is not None and theirs is not None and ours.both(theirs).empty

    def _field_implies(self, one: Test, other: Test) -> bool:
        if other.exists is not None or one.exists is not None:
            return bool(other.exists) and one.exists is not False
        if other.matches is not None:
            return False
        values = self._values(one)
        if values is not None:
            holds = self._check(other)
            return all(self._step() and holds(value) for value in values)
        ours, theirs = self._range(one), self._range(other)
        if ours is not None and theirs is not None:
            return ours.both(theirs) == ours
        if self._kinds[one.field or ""] == "set":
            return _set_implies(one, other)
        if one.within is not None and other.within is not None:
            return bool(_span(one.within) <= _span(other.within))
        if one.longer_ago is not None and other.longer_ago is not None:
            return bool(_span(one.longer_ago) >= _span(other.longer_ago))
        return _part_implies(one, other)

    def _values(self, test: Test) -> tuple[Any, ...] | None:
        """The only values of which the test holds, where they are few."""
        if self._kinds[test.field or ""] not in ("text", "yes_no"):
            return None
        return (test.is_,) if test.is_ is not None else test.in_

    def _check(self, test: Test) -> Callable[[Any], bool]:
        """Whether the test holds of a value of its field."""
        field, check = test.field or "", compile_test(test, self._kinds)
        readers = readers_of([test], self._kinds)
        return lambda value: check(prepare({field: value}, readers))

    def _range(self, test: Test) -> Range | None:
        kind, operators = self._kinds[test.field or ""], test.operators
        if kind in ("text", "set", "yes_no") or operators[0] not in _ORDER:
            return None
        wanted = test.value(operators[0])
        read = {"money": amount_of, "date": day_of, "moment": moment_of}.get(kind)
        limits = [read(each) if read else each for each in (wanted if isinstance(wanted, tuple) else (wanted,))]
        if operators[0] in ("gt", "ge", "after"):
            return Range(limits[0], operators[0] != "ge", None, False)
        if operators[0] in ("lt", "le", "before"):
            return Range(None, False, limits[0], operators[0] != "le")
        return Range(limits[0], False, limits[-1], False)


def _conjuncts(test: Test) -> list[Test]:
    """What must hold together, out of groups within groups."""
    if test.all is None:
        return [test]
    return [part for child in test.all for part in _conjuncts(child)]


def _span(text: str) -> Any:
    return span_of(text)


def _set_implies(one: Test, other: Test) -> bool:
    ours, theirs = (_folded(test.has_any or test.has_all) for test in (one, other))
    if other.contains is not None:
        part = other.contains.casefold()
        if one.contains is not None:
            return part in one.contains.casefold()
        return (all if one.has_any else any)(part in each for each in ours)
    if one.contains is not None:
        return False
    if other.has_all:
        return theirs <= (ours if one.has_all or len(ours) == 1 else frozenset())
    return ours <= theirs if one.has_any else not ours.isdisjoint(theirs)


def _folded(texts: tuple[str, ...] | None) -> frozenset[str]:
    return frozenset(text.casefold() for text in texts or ())


def _part_implies(one: Test, other: Test) -> bool:
    """Of texts: to contain or begin with more is to contain or begin with less."""
    more, less = one.contains or one.starts, other.contains or other.starts
    if more is None or less is None:
        return False
    more, less = more.casefold(), less.casefold()
    if other.starts is not None:
        return one.starts is not None and more.startswith(less)
    return less in more
