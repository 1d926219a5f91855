"""Days and weeks of a clinic's calendar, as pages ask for them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from automations.engine.moments import start_of_day

FIRST, LAST = date(1900, 1, 8), date(2199, 12, 24)


def asked_day(text: str, otherwise: date) -> date:
    """Return the day that an address names (2026-11-30), or the other one if it names none."""
    try:
        return min(max(date.fromisoformat(text), FIRST), LAST)
    except ValueError:
        return otherwise


def week_of(clinic: Any, day: date) -> list[date]:
    """Return the seven days of the week in which a day lies, in the clinic's order."""
    first = day - timedelta(days=(day.weekday() - clinic.week_start) % 7)
    return [first + timedelta(days=n) for n in range(7)]


def bounds(clinic: Any, first: date, last: date) -> tuple[datetime, datetime]:
    """Return the moments between which the local days from first to last lie; the second is no longer theirs."""
    zone = ZoneInfo(clinic.time_zone)
    return start_of_day(first, zone), start_of_day(last + timedelta(days=1), zone)
