"""Time as a company counts it: only while somebody is there. Pure.

Opening hours are what the clock on the wall of their time zone says. Where that clock is put back an hour is there
twice and counts twice; where it is put forward the hour is missing. So time is walked in stretches in which the clock
is not touched, and in each of them the spans of a day are plain differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from model.voice_line import DAYS, Hours

LOOKED_AHEAD: Final = timedelta(days=3660)
"""Beyond it nothing is looked for: hours that have not sufficed in ten years never will."""
_DAY: Final = timedelta(days=1)
_MONTH: Final = timedelta(days=31)
_NONE: Final = timedelta()
_LAST: Final = datetime(9999, 12, 29, tzinfo=UTC)
"""Later than this a day may have no end."""
Span = tuple[timedelta, timedelta]
"""Since when and until when, from midnight."""


class BusinessTime:
    """Opening hours, ready to be counted with; None is always open."""

    def __init__(self, hours: Hours | None) -> None:
        """The time zone must exist."""
        self._zone = ZoneInfo(hours.time_zone) if hours else None
        self._week = tuple(_spans(hours.open.get(day, ())) for day in DAYS) if hours else ()
        self._holidays = frozenset(hours.holidays) if hours else frozenset()

    def is_open(self, at: datetime) -> bool:
        """Whether somebody is there at this instant."""
        if self._zone is None:
            return True
        local = at.astimezone(self._zone)
        clock = timedelta(hours=local.hour, minutes=local.minute)
        return any(since <= clock < until for since, until in self._spans_of(local.date()))

    def after(self, at: datetime, wanted: timedelta) -> datetime | None:
        """The first instant at which this much has been counted since `at`; None: not in ten years."""
        at = at.astimezone(UTC)
        if wanted <= _NONE:
            return at
        end = at + LOOKED_AHEAD if at < _LAST - LOOKED_AHEAD else _LAST
        if self._zone is None:
            return at + wanted if wanted <= end - at else None
        for since, until in self._open(at, end):
            if wanted <= until - since:
                return since + wanted
            wanted -= until - since
        return None

    def between(self, since: datetime, until: datetime) -> timedelta:
        """How much is counted from the one instant to the other; nothing where they stand the other way round."""
        since, until = since.astimezone(UTC), min(until.astimezone(UTC), _LAST)
        if until <= since:
            return _NONE
        if self._zone is None:
            return until - since
        return sum((later - earlier for earlier, later in self._open(since, until)), _NONE)

    def _spans_of(self, day: date) -> Sequence[Span]:
        return () if self._holidays and day.isoformat() in self._holidays else self._week[day.weekday()]

    def _open(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open spans from one instant to another, in order, in UTC; none at all where the week has none."""
        if not any(self._week):
            return
        for begin, end, offset in self._stretches(since, until):
            day = (begin + offset).date()
            while (midnight := datetime.combine(day, time(), UTC) - offset) < end:
                for opens, closes in self._spans_of(day):
                    first, last = max(midnight + opens, begin), min(midnight + closes, end)
                    if first < last:
                        yield first, last
                day += _DAY

    def _stretches(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
        """Where the clock of the zone is not touched, a month at most: since, until, and by how much it is ahead."""
        at = since
        while at < until:
            offset, end, changed = self._offset(at), at, False
            while end < min(until, at + _MONTH) and not changed:
                later = min(end + _DAY, until)
                changed = self._offset(later) != offset
                end = self._change(end, later, offset) if changed else later
            yield at, end, offset
            at = end

    def _change(self, before: datetime, after: datetime, offset: timedelta) -> datetime:
        """The instant between these two at which the clock is put to another time; such instants are whole seconds."""
        low, high = before.replace(microsecond=0), after
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
            low, high = (middle, high) if self._offset(middle) == offset else (low, middle)
        return low + timedelta(seconds=1)

    def _offset(self, at: datetime) -> timedelta:
        return at.astimezone(self._zone).utcoffset() or _NONE


def _spans(written: Sequence[tuple[str, str]]) -> tuple[Span, ...]:
    """The spans of a day in order, without overlaps; one that ends before it begins is none."""
    joined: list[Span] = []
    for since, until in sorted((_clock(since), _clock(until)) for since, until in written):
        if joined and since <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], until)
        elif since < until:
            joined.append((since, until))
    return tuple(joined)


def _clock(text: str) -> timedelta:
    return timedelta(hours=int(text[:2]), minutes=int(text[3:]))
