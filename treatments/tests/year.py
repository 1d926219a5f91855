"""A generated year of plans, and an oracle that says in a few lines what their weeks must come to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
CALENDARS = (
    ("bucharest", "Europe/Bucharest", 0, 12),
    ("new-york", "America/New_York", 6, 24),
    ("lord-howe", "Australia/Lord_Howe", 5, 0),
    ("kathmandu", "Asia/Kathmandu", 2, 72),
)
"""Slug, zone, first day of the week, hours of grace."""


@dataclass
class Log:
    """A session: when it was done, when it was logged, and when it was struck out again."""

    done_at: datetime
    logged_at: datetime
    struck_at: datetime | None = None


@dataclass
class Story:
    """What happens to one patient in the year: all of it is known before it begins."""

    zone: ZoneInfo
    clinic_zone: ZoneInfo
    week_start: int
    grace: timedelta
    assigned_at: datetime
    starts_on: date
    ends_on: date | None
    versions: list[tuple[date, int]]
    pauses: list[tuple[datetime, datetime]]
    ended_at: datetime | None
    logs: list[Log] = field(default_factory=list)


# --- the oracle ---


def oracle(story: Story, until: datetime, below: int) -> tuple[list[tuple[date, int, int]], list[date]]:
    """Return the weeks (first day, completed, prescribed) as they end up, and the weeks that must raise an alert."""
    rows, alerts, evaluated = [], [], []
    for first in weeks(story):
        days = [first + n * DAY for n in range(7)]
        closes = datetime.combine(days[-1] + DAY, time(), story.clinic_zone).astimezone(UTC) + story.grace
        covered = [day for day in days if covers(story, day)]
        wanted = math.floor(sum(Fraction(per_week(story, day), 7) for day in covered) + Fraction(1, 2))
        if closes > until or len(covered) < 3 or wanted == 0:
            continue
        current, before = share(story, days, wanted, closes), None
        if evaluated:
            before = share(story, *evaluated[-1], closes)  # as corrected by then
        if current < below and (before is None or before >= below):
            alerts.append(first)
        evaluated.append((days, wanted))
        rows.append((first, count(story, days, until), wanted))
    return rows, alerts


def weeks(story: Story) -> Iterator[date]:
    """Yield the first day of every week from the one that holds the plan's first day on."""
    day = max(story.starts_on, story.assigned_at.astimezone(story.clinic_zone).date())
    while day.weekday() != story.week_start:
        day -= DAY
    for n in range(60):
        yield day + n * 7 * DAY


def covers(story: Story, day: date) -> bool:
    """Tell whether something is prescribed for a day."""

    def local(moment: datetime) -> date:
        return moment.astimezone(story.clinic_zone).date()

    begun = day >= story.starts_on and day >= local(story.assigned_at)
    over = (story.ends_on and day > story.ends_on) or (story.ended_at and day >= local(story.ended_at))
    return begun and not over and not any(local(start) <= day < local(end) for start, end in story.pauses)


def per_week(story: Story, day: date) -> int:
    """Return how many sessions a week hold on a day."""
    return next(number for start, number in reversed(story.versions) if start <= day)


def count(story: Story, days: list[date], known_at: datetime) -> int:
    """Return how many sessions of these days are known by a moment."""
    known = [log for log in story.logs if log.logged_at < known_at and not (log.struck_at and log.struck_at < known_at)]
    return sum(log.done_at.astimezone(story.zone).date() in days for log in known)


def share(story: Story, days: list[date], wanted: int, known_at: datetime) -> Fraction:
    """Return the adherence in percent as it is known by a moment."""
    return Fraction(100 * min(count(story, days, known_at), wanted), wanted)


# --- the year ---


def story(random: Random, begin: datetime, calendar: tuple[Any, ...]) -> Story:
    """Make up what happens to one patient: nothing of it on the hour at which weeks close."""
    _slug, zone_name, week_start, grace = calendar
    clinic_zone = ZoneInfo(zone_name)
    zone = ZoneInfo(random.choice((zone_name, zone_name, "Pacific/Auckland", "America/Los_Angeles")))
    assigned_at = begin + timedelta(days=random.randrange(90), minutes=random.randrange(1440), seconds=17)
    day = assigned_at.astimezone(clinic_zone).date()
    starts_on = day + random.choice((-9, 0, 0, 0, 3, 12)) * DAY
    ends_on = random.choice((None, day + timedelta(days=random.randrange(30, 300))))
    made = Story(
        zone=zone,
        clinic_zone=clinic_zone,
        week_start=week_start,
        grace=timedelta(hours=grace),
        assigned_at=assigned_at,
        starts_on=starts_on,
        ends_on=ends_on,
        versions=[(starts_on, random.randrange(1, 8))],
        pauses=_pauses(random, assigned_at),
        ended_at=None,
    )
    if random.random() < 0.3:
        made.ended_at = assigned_at + timedelta(days=random.randrange(150, 330), hours=random.randrange(24))
    if random.random() < 0.5:
        later = max(starts_on, day) + timedelta(days=random.randrange(20, 120))
        made.versions.append((later, random.randrange(0, 12)))
    made.logs = list(_logs(random, made))
    return made


def _pauses(random: Random, assigned_at: datetime) -> list[tuple[datetime, datetime]]:
    found, moment = [], assigned_at
    for _ in range(random.choice((0, 0, 1, 2))):
        start = moment + timedelta(days=random.randrange(5, 60), hours=random.randrange(24))
        moment = start + timedelta(days=random.randrange(0, 25), hours=random.randrange(1, 24))
        found.append((start, moment))
    return found


def _logs(random: Random, made: Story) -> Iterator[Log]:
    zeal = random.choice((0.05, 0.15, 0.3, 0.5, 0.9))
    first = max(made.assigned_at, datetime.combine(made.starts_on + DAY, time(), made.clinic_zone).astimezone(UTC))
    for n in range(1, 350):
        if n % 30 == 0:
            zeal = random.choice((0.05, 0.3, 0.6, 0.95))
        done_at = first + timedelta(days=n, minutes=random.randrange(1440), seconds=31)
        if made.ended_at and done_at > made.ended_at - DAY:
            return
        if random.random() < zeal:
            late = random.choice((0, 0, 0, 0, 0, 0, 1, 2, 9)) * DAY * random.random()
            log = Log(done_at, done_at + late + timedelta(minutes=1))
            if random.random() < 0.05:
                log.struck_at = log.logged_at + timedelta(days=random.randrange(15), minutes=7)
            yield log
