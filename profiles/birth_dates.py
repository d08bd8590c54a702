"""Birth dates, compared as people and forms write them: with slips, changed about, filled in by nobody. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

_FILLED_IN_YEARS: Final = (1900, 1970, 2000)


def is_filled_in(day: date) -> bool:
    """Whether this is what forms fill in by themselves."""
    return is_new_years_day(day) and day.year in _FILLED_IN_YEARS


def is_new_years_day(day: date) -> bool:
    """What people say who do not know the day."""
    return (day.month, day.day) == (1, 1)


def are_changed_about(ours: date, theirs: date) -> bool:
    """Whether one has the day where the other has the month."""
    return ours != theirs and (ours.year, ours.month, ours.day) == (theirs.year, theirs.day, theirs.month)


def are_clearly_different(ours: date, theirs: date) -> bool:
    """Whether these are the birth dates of two people: more than one of year, month and day is another."""
    if is_filled_in(ours) or is_filled_in(theirs) or are_changed_about(ours, theirs):
        return False
    if is_new_years_day(ours) or is_new_years_day(theirs):
        return abs(ours.year - theirs.year) > 1
    return (ours.year != theirs.year) + (ours.month != theirs.month) + (ours.day != theirs.day) > 1


def are_of_different_people(ours: Iterable[date], theirs: Iterable[date]) -> bool:
    """Whether birth dates are known of both, and none of ours can be one of theirs."""
    a, b = tuple(ours), tuple(theirs)
    return bool(a and b) and all(are_clearly_different(x, y) for x in a for y in b)
