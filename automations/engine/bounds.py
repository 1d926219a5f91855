"""Turn a date condition into plain bounds, once, for both readers.

The Python evaluator asks `Interval.contains`; the SQL compiler writes the same four values into a WHERE clause. So
neither can
drift from the other, and neither needs a time zone of its own.

| op | instants | plain dates |
|---|---|---|
| before D | < start of D | < D |
| after D | >= start of D + 1 | > D |
| on D | from start of D, before start of D + 1 | = D |
| in_last N minutes, hours | (now - N, now] | a date counts as the start of its local day |
| in_last N days, weeks, months | local day in (today - N, today], and not later than now | the same |
| in_next N minutes, hours | (now, now + N] | as above |
| in_next N days, weeks, months | local day in [today, today + N), and later than now | the same, today included |
| more_than_ago N minutes, hours | <= now - N | as above |
| more_than_ago N days, weeks, months | local day <= today - N | the same |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from .moments import ELAPSED_UNITS, elapsed, local_day, shift_day, start_of_day

D = TypeVar("D", datetime, date)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Interval(Generic[D]):
    """A stretch of time; None is no bound on that side. It may be empty."""

    low: D | None = None
    high: D | None = None
    low_closed: bool = True
    high_closed: bool = False

    def contains(self, value: D) -> bool:
        """Tell whether a value lies inside."""
        if self.low is not None and not (value >= self.low if self.low_closed else value > self.low):
            return False
        return self.high is None or (value <= self.high if self.high_closed else value < self.high)


@dataclass(frozen=True, slots=True)
class DateBounds:
    """The same question for instants (UTC) and for plain dates."""

    instants: Interval[datetime]
    dates: Interval[date]

    def contains(self, value: date) -> bool:
        """Tell whether an aware instant or a plain date lies inside."""
        return self.instants.contains(value) if isinstance(value, datetime) else self.dates.contains(value)


def date_bounds(op: str, value: Any, now: datetime, zone: ZoneInfo) -> DateBounds:
    """Give the bounds of before, after, on ("YYYY-MM-DD"), in_last, in_next, more_than_ago ({amount, unit}) at `now`.

    Raises ValueError or TypeError for a value that parsing would have refused.
    """
    if op in ("before", "after", "on"):
        return _literal(op, value, zone)
    amount, unit = int(value["amount"]), str(value["unit"])
    if unit in ELAPSED_UNITS:
        return _elapsed(op, elapsed(amount, unit), now.astimezone(UTC), zone)
    return _calendar(op, amount, unit, now.astimezone(UTC), zone)


def window_bounds(window: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> DateBounds:
    """Give the bounds of a looking-back window ({amount, unit}), up to and with now."""
    return date_bounds("in_last", window, now, zone)


# Cached, because a clinic's rules ask the same few questions of one day over and over; all of it is a function of
# the key.


@lru_cache(maxsize=4096)
def _literal(op: str, value: str, zone: ZoneInfo) -> DateBounds:
    day = date.fromisoformat(value)
    if op == "before":
        return DateBounds(Interval(high=start_of_day(day, zone)), Interval(high=day))
    end = start_of_day(day + DAY, zone)
    if op == "after":
        return DateBounds(Interval(low=end), Interval(low=day, low_closed=False))
    return DateBounds(Interval(start_of_day(day, zone), end), Interval(day, day, high_closed=True))


def _elapsed(op: str, span: timedelta, now: datetime, zone: ZoneInfo) -> DateBounds:
    today = local_day(now, zone)
    if op == "in_last":
        past = local_day(now - span, zone)
        return DateBounds(Interval(now - span, now, False, True), Interval(past, today, False, True))
    if op == "in_next":
        ahead = local_day(now + span, zone)
        return DateBounds(Interval(now, now + span, False, True), Interval(today, ahead, False, True))
    if op == "more_than_ago":
        return DateBounds(
            Interval(high=now - span, high_closed=True), Interval(high=local_day(now - span, zone), high_closed=True)
        )
    raise ValueError(f"{op!r} is no date operator.")


def _calendar(op: str, amount: int, unit: str, now: datetime, zone: ZoneInfo) -> DateBounds:
    instants, dates = _calendar_days(op, amount, unit, local_day(now, zone), zone)
    if op == "in_last":
        return DateBounds(Interval(instants, now, True, True), dates)
    if op == "in_next":
        return DateBounds(Interval(now, instants, False, False), dates)
    return DateBounds(Interval(high=instants), dates)


@lru_cache(maxsize=4096)
def _calendar_days(op: str, amount: int, unit: str, today: date, zone: ZoneInfo) -> tuple[datetime, Interval[date]]:
    """Give the one edge that days decide, as an instant, and the bounds for plain dates."""
    if op == "in_last":
        first = shift_day(today, -amount, unit) + DAY
        return start_of_day(first, zone), Interval(first, today, True, True)
    if op == "in_next":
        end = shift_day(today, amount, unit)
        return start_of_day(end, zone), Interval(today, end)
    if op == "more_than_ago":
        last = shift_day(today, -amount, unit)
        return start_of_day(last + DAY, zone), Interval(high=last, high_closed=True)
    raise ValueError(f"{op!r} is no date operator.")
