"""The arithmetic of weeks, on dates alone."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from treatments.adherence import Course, closes_at, evaluate, last_day_of, percent, prescribed, week_of

MONDAY, SUNDAY = date(2026, 11, 2), date(2026, 11, 8)
LONG_AGO = date(2026, 1, 1)


def course(*, first=LONG_AGO, last=None, count=3, versions=None, pauses=()):
    return Course(first, last, versions or [(LONG_AGO, count)], pauses)


def done(*days):
    return [date(2026, 11, day) for day in days]


@pytest.mark.parametrize(
    ("week_start", "began"), [(0, date(2026, 11, 2)), (6, date(2026, 11, 1)), (5, date(2026, 10, 31))]
)
def test_a_week_begins_on_the_clinics_day(week_start, began):
    assert week_of(date(2026, 11, 4), week_start) == began
    assert last_day_of(date(2026, 11, 4), week_start) == began + timedelta(days=6)
    assert week_of(began, week_start) == began


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [((), 0), ((2,), 100 / 3), ((2, 4), 200 / 3), ((2, 4, 8), 100), ((2, 2, 2, 3, 8), 100), ((1, 9), 0)],
)
def test_a_whole_week_counts_the_sessions_of_its_days_up_to_what_is_prescribed(sessions, expected):
    assert evaluate(course(), done(*sessions), MONDAY, SUNDAY).percent == expected


@pytest.mark.parametrize("prescribed_sessions", range(1, 51))
def test_a_whole_percentage_is_exactly_that_number(prescribed_sessions):
    for completed in range(prescribed_sessions + 1):
        exact = 100 * completed
        if exact % prescribed_sessions == 0:
            assert percent(completed, prescribed_sessions) == exact // prescribed_sessions


@pytest.mark.parametrize(
    ("days", "count", "expected"),
    [(7, 3, 3), (6, 3, 3), (5, 3, 2), (4, 3, 2), (3, 3, 1), (2, 3, None), (3, 1, 0), (4, 1, 1), (3, 7, 3), (5, 50, 36)],
)
def test_a_part_of_a_week_prescribes_its_share_rounded_a_half_up(days, count, expected):
    first_week = course(first=SUNDAY - timedelta(days=days - 1), count=count)
    last_week = course(last=MONDAY + timedelta(days=days - 1), count=count)
    assert prescribed(first_week, MONDAY, SUNDAY) == expected
    assert prescribed(last_week, MONDAY, SUNDAY) == expected


def test_a_half_is_rounded_up():
    versions = [(LONG_AGO, 1), (date(2026, 11, 5), 0), (date(2026, 11, 8), 1)]  # 3 + 1 sevenths: 4/7
    assert prescribed(course(versions=versions), MONDAY, SUNDAY) == 1
    versions = [(LONG_AGO, 7), (date(2026, 11, 5), 0), (date(2026, 11, 8), 0)]  # 21 sevenths: 3
    assert prescribed(course(versions=versions), MONDAY, SUNDAY) == 3


@pytest.mark.parametrize(
    ("pause", "expected"),
    [
        ((MONDAY, SUNDAY + timedelta(days=1)), None),
        ((LONG_AGO, None), None),
        ((date(2026, 11, 5), None), 1),  # three days are left: 9/7
        ((date(2026, 11, 4), None), None),  # two
        ((date(2026, 11, 4), date(2026, 11, 5)), 3),  # one day of pause: 18/7
        ((date(2026, 11, 4), date(2026, 11, 4)), 3),  # paused and resumed on one day
    ],
)
def test_days_in_a_pause_are_not_covered(pause, expected):
    assert prescribed(course(pauses=[pause]), MONDAY, SUNDAY) == expected


def test_nothing_prescribed_is_no_value():
    assert evaluate(course(count=0), done(2, 3, 4), MONDAY, SUNDAY) is None


def test_the_newest_version_of_a_day_counts():
    versions = [(LONG_AGO, 7), (date(2026, 11, 5), 14), (date(2026, 11, 5), 21)]
    assert prescribed(course(versions=versions), MONDAY, SUNDAY) == 3 + 12


@pytest.mark.parametrize(
    ("zone", "last_on", "grace", "expected"),
    [
        ("Europe/Bucharest", date(2026, 11, 8), 12, "2026-11-09T10:00:00+00:00"),
        ("Europe/Bucharest", date(2026, 11, 8), 0, "2026-11-08T22:00:00+00:00"),
        ("America/New_York", date(2026, 10, 31), 12, "2026-11-01T16:00:00+00:00"),
        ("America/New_York", date(2026, 11, 1), 12, "2026-11-02T17:00:00+00:00"),  # the clocks went back in between
        ("Asia/Kathmandu", date(2026, 11, 8), 72, "2026-11-11T18:15:00+00:00"),
        ("Asia/Beirut", date(2026, 3, 28), 12, "2026-03-29T10:00:00+00:00"),  # no midnight that night
        ("America/Havana", date(2026, 10, 31), 12, "2026-11-01T16:00:00+00:00"),  # midnight comes twice: the first
    ],
)
def test_a_week_closes_after_its_last_local_day_and_the_grace(zone, last_on, grace, expected):
    assert closes_at(last_on, ZoneInfo(zone), grace).isoformat() == expected
