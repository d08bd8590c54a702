"""Business time: what is counted between two instants, and when so much has been counted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.voice_line import DAYS, Hours
from router.business_time import LOOKED_AHEAD, BusinessTime

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OFFICE = Hours("Europe/Berlin", dict.fromkeys(DAYS[:5], (("09:00", "12:00"), ("13:00", "17:00"))), ("2026-12-25",))
NIGHT = Hours("Europe/Berlin", dict.fromkeys(DAYS, (("00:00", "06:00"), ("22:00", "24:00"))))
WHOLE = Hours("Europe/Berlin", dict.fromkeys(DAYS, (("00:00", "24:00"),)))

# Forward and back in both hemispheres, by half an hour, at midnight, a day that is not there, and no change at all.
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata", "Pacific/Apia"]
CHANGES = [
    *(datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)),
    *(datetime(2026, 4, 4, 12, tzinfo=UTC), datetime(2026, 4, 24, tzinfo=UTC), datetime(2026, 10, 29, tzinfo=UTC)),
    *(datetime(2011, 12, 30, tzinfo=UTC), datetime(2026, 6, 10, tzinfo=UTC)),
]
clocks = st.integers(0, 1440).map(lambda minute: f"{minute // 60:02d}:{minute % 60:02d}")
spans = st.lists(st.tuples(clocks, clocks), max_size=3).map(tuple)
instants = st.builds(
    lambda change, seconds, micro: change + timedelta(seconds=seconds, microseconds=micro),
    *(st.sampled_from(CHANGES), st.integers(-3 * 86400, 3 * 86400), st.sampled_from([0, 1, 999_999])),
)


@st.composite
def hours(draw: st.DrawFn) -> Hours:
    """Any hours, around changes of the clock."""
    days = draw(st.dictionaries(st.sampled_from(DAYS), spans, max_size=7))
    holidays = draw(st.sets(st.sampled_from(["2026-03-29", "2026-10-25", "2026-04-05", "2026-06-10"]), max_size=2))
    return Hours(draw(st.sampled_from(ZONES)), days, tuple(sorted(holidays)))


def by_the_minute(hours: Hours, since: datetime, until: datetime) -> timedelta:
    """The same, counted by looking at the clock on the wall every minute."""
    counted, at, zone = timedelta(), since, ZoneInfo(hours.time_zone)
    while at < until:
        local = at.astimezone(zone)
        clock = local.strftime("%H:%M")
        spans = () if local.date().isoformat() in hours.holidays else hours.open.get(DAYS[local.weekday()], ())
        if any(opens <= clock < closes for opens, closes in spans):
            counted += MINUTE
        at += MINUTE
    return counted


@given(hours(), st.sampled_from(CHANGES), st.integers(-2880, 1440), st.integers(0, 2880))
@settings(max_examples=25, deadline=None)
def test_it_is_what_a_clock_on_the_wall_shows_minute_by_minute(
    given_: Hours, change: datetime, start: int, length: int
) -> None:
    since = change + start * MINUTE
    until = since + length * MINUTE
    assert BusinessTime(given_).between(since, until) == by_the_minute(given_, since, until)


@given(hours() | st.none(), instants, st.timedeltas(timedelta(), timedelta(days=40)))
@settings(max_examples=25, deadline=None)
def test_when_so_much_was_counted_so_much_was_counted(given_: Hours | None, at: datetime, wanted: timedelta) -> None:
    time = BusinessTime(given_)
    due = time.after(at, wanted)
    if due is None:
        assert time.between(at, at + LOOKED_AHEAD) < wanted
        return
    assert time.between(at, due) == wanted
    if due > at:  # and not a moment earlier
        assert time.between(at, due - timedelta(microseconds=1)) < wanted


@given(hours(), instants, instants, instants)
@settings(max_examples=25, deadline=None)
def test_it_never_runs_back_and_adds_up(given_: Hours, one: datetime, two: datetime, three: datetime) -> None:
    time = BusinessTime(given_)
    first, second, third = sorted((one, two, three))
    assert timedelta() <= time.between(first, second) <= second - first
    assert time.between(first, second) + time.between(second, third) == time.between(first, third)
    assert time.between(third, first) == timedelta()
    wanted = timedelta(hours=5)
    dues = [due for at in (first, second, third) if (due := time.after(at, wanted)) is not None]
    assert dues == sorted(dues)


@given(hours(), instants)
@settings(max_examples=25, deadline=None)
def test_open_is_where_the_next_moment_counts(given_: Hours, at: datetime) -> None:
    time = BusinessTime(given_)
    moment = timedelta(microseconds=1)
    assert time.is_open(at) is (time.between(at, at + moment) == moment)


@pytest.mark.parametrize(
    ("hours_", "since", "wanted", "due"),
    [
        # Friday afternoon, four hours: the rest on Monday
        (OFFICE, "2026-11-27T15:00:00Z", 4 * HOUR, "2026-11-30T11:00:00Z"),
        # before they open, over lunch, and to the dot
        (OFFICE, "2026-11-26T05:00:00Z", 3 * HOUR, "2026-11-26T11:00:00Z"),
        (OFFICE, "2026-11-26T05:00:00Z", 3 * HOUR + MINUTE, "2026-11-26T12:01:00Z"),
        # Christmas and the weekend after it
        (OFFICE, "2026-12-24T15:00:00Z", 2 * HOUR, "2026-12-28T09:00:00Z"),
        # a night shift goes on past midnight; the night the clock is put forward is an hour shorter, and back longer
        (NIGHT, "2026-11-26T21:00:00Z", 8 * HOUR, "2026-11-27T05:00:00Z"),
        (NIGHT, "2026-03-28T21:00:00Z", 8 * HOUR, "2026-03-29T21:00:00Z"),
        (NIGHT, "2026-10-24T20:00:00Z", 9 * HOUR, "2026-10-25T05:00:00Z"),
        (None, "2026-11-26T21:00:00Z", 8 * HOUR, "2026-11-27T05:00:00Z"),
    ],
)
def test_deadlines(hours_: Hours | None, since: str, wanted: timedelta, due: str) -> None:
    found = BusinessTime(hours_).after(datetime.fromisoformat(since), wanted)
    assert found == datetime.fromisoformat(due)


@pytest.mark.parametrize(
    ("day", "length"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 10), 24)]
)
def test_a_day_has_as_many_hours_as_it_has(day: date, length: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    since, until = (datetime(each.year, each.month, each.day, tzinfo=zone) for each in (day, day + DAY))
    assert BusinessTime(WHOLE).between(since, until) == length * HOUR


@pytest.mark.parametrize(
    "never", [Hours("UTC", {}), Hours("UTC", {"mon": ()}), Hours("UTC", {"mon": (("09:00", "09:00"),)})]
)
def test_what_is_never_open_has_no_deadline(never: Hours) -> None:
    at = datetime(2026, 11, 26, tzinfo=UTC)
    assert BusinessTime(never).after(at, MINUTE) is None
    assert BusinessTime(never).between(at, at + 3000 * DAY) == timedelta()
    assert not BusinessTime(never).is_open(at)


def test_ten_years_are_looked_ahead_and_no_more() -> None:
    rare = BusinessTime(Hours("UTC", {"mon": (("09:00", "09:01"),)}))
    at = datetime(2026, 11, 26, tzinfo=UTC)
    assert rare.after(at, 520 * MINUTE) == datetime(2036, 11, 10, 9, 1, tzinfo=UTC)
    assert rare.after(at, 530 * MINUTE) is None
    assert BusinessTime(None).after(datetime.max.replace(tzinfo=UTC), DAY) is None
