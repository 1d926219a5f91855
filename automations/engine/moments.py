"""Do calendar arithmetic that is right over clock changes.

Minutes and hours are elapsed time and are added in UTC. Days, weeks and months are the zone's local calendar: the
day moves,
the time on the wall stays. A local time that does not exist moves forward by the gap; one that exists twice is its
first.
A month that is too short clamps to its last day.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ELAPSED_UNITS = ("minutes", "hours")
CALENDAR_UNITS = ("days", "weeks", "months")
UNITS = ELAPSED_UNITS + CALENDAR_UNITS

# Far beyond any clinic's need, and small enough that no sum leaves the years 1 to 9999.
MAX_AMOUNT = {"minutes": 1_000_000, "hours": 100_000, "days": 40_000, "weeks": 6_000, "months": 1_200}


def elapsed(amount: int, unit: str) -> timedelta:
    """Give minutes or hours as elapsed time."""
    return timedelta(minutes=amount) if unit == "minutes" else timedelta(hours=amount)


def shift_day(day: date, amount: int, unit: str) -> date:
    """Move a day by days, weeks or months (amount may be negative)."""
    if unit == "days":
        return day + timedelta(days=amount)
    if unit == "weeks":
        return day + timedelta(weeks=amount)
    year, month = divmod(day.year * 12 + day.month - 1 + amount, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@lru_cache(maxsize=1024)
def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """Tell the zone's date at this moment."""
    return moment.astimezone(zone).date()


def at_local(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Find the UTC moment of a local time.

    With fold=0 a time in a gap takes the offset from before it, which lands as far after the gap as it lay inside; a
    time that
    comes twice takes the first offset.
    """
    return datetime.combine(day, wall.replace(tzinfo=None, fold=0)).replace(tzinfo=zone).astimezone(UTC)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Find the UTC moment at which a local day begins, also where there is no midnight that day."""
    return at_local(day, time(0), zone)


def shift(moment: datetime, amount: int, unit: str, zone: ZoneInfo, at: time | None = None) -> datetime:
    """Move a moment by an amount (negative: back); `at` replaces the local time of calendar units. Gives UTC."""
    if unit in ELAPSED_UNITS:
        return moment.astimezone(UTC) + elapsed(amount, unit)
    local = moment.astimezone(zone)
    if at is None and amount == 0:
        return moment.astimezone(UTC)
    return at_local(shift_day(local.date(), amount, unit), local.time() if at is None else at, zone)
