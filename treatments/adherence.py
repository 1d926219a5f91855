"""How well a week went: pure arithmetic on dates; nothing is read or written here, and no clock.

A week belongs to one plan and begins on the clinic's first day of the week. Prescribed is the share of the sessions a
week that falls on the days which the plan covers, rounded to whole sessions, a half up. A covered day lies within the
plan, and not in a pause; the day on which a pause or the end of the plan is noted is no longer covered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEK = 7
LEAST_DAYS = 3
"""A week of which the plan covers fewer days is not evaluated."""


@dataclass(frozen=True, slots=True)
class Course:
    """What is prescribed when: `versions` are (valid from, sessions a week) in the order in which they were written.

    `pauses` are (from, until) with the last day excluded; None goes on. `last_on` None: no end is planned.
    """

    first_on: date
    last_on: date | None
    versions: Sequence[tuple[date, int]]
    pauses: Sequence[tuple[date, date | None]] = ()

    def covers(self, day: date) -> bool:
        """Tell whether something may be prescribed for a day."""
        within = self.first_on <= day and (self.last_on is None or day <= self.last_on)
        return within and not any(start <= day and (end is None or day < end) for start, end in self.pauses)

    def sessions_per_week(self, day: date) -> int:
        """Return what the newest version that is valid on a day prescribes."""
        return next((count for start, count in reversed(self.versions) if start <= day), 0)


@dataclass(frozen=True, slots=True)
class Week:
    """What came of the days counted of a week; `prescribed` is never 0."""

    first_on: date
    last_on: date
    prescribed: int
    completed: int

    @property
    def percent(self) -> float:
        """Return min(completed, prescribed) ÷ prescribed in percent."""
        return percent(self.completed, self.prescribed)


def percent(completed: int, prescribed: int) -> float:
    """Return the adherence in percent; where that is a whole number it is exactly that number."""
    return 100 * min(completed, prescribed) / prescribed


def week_of(day: date, week_start: int) -> date:
    """Return the day on which the week that holds `day` began; `week_start` 0 is Monday."""
    return day - timedelta(days=(day.weekday() - week_start) % WEEK)


def last_day_of(day: date, week_start: int) -> date:
    """Return the last day of the week that holds `day`."""
    return week_of(day, week_start) + timedelta(days=WEEK - 1)


def closes_at(last_on: date, zone: ZoneInfo, grace_hours: int) -> datetime:
    """Return the moment (UTC) at which a week that ends with the local day `last_on` is evaluated.

    Where midnight does not exist the day ends as far after it as the gap is long; where it comes twice, at the first.
    """
    midnight = datetime.combine(last_on + timedelta(days=1), time(0), zone)
    return midnight.astimezone(UTC) + timedelta(hours=grace_hours)


def prescribed(course: Course, first_on: date, last_on: date) -> int | None:
    """Return how many sessions are prescribed from one day to another; None if too few days are covered."""
    days = [day for day in _days(first_on, last_on) if course.covers(day)]
    if len(days) < LEAST_DAYS:
        return None
    sevenths = sum(course.sessions_per_week(day) for day in days)
    return (2 * sevenths + WEEK) // (2 * WEEK)


def evaluate(course: Course, done_on: Collection[date], first_on: date, last_on: date) -> Week | None:
    """Evaluate the days of a week; `done_on` holds the day of every session. None: nothing to evaluate."""
    wanted = prescribed(course, first_on, last_on)
    if not wanted:
        return None
    return Week(first_on, last_on, wanted, sum(first_on <= day <= last_on for day in done_on))


def _days(first_on: date, last_on: date) -> Iterable[date]:
    return (first_on + timedelta(days=n) for n in range((last_on - first_on).days + 1))
