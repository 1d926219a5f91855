"""Work out when a step is due, when it expires, and when a message may leave.

All moments are aware; results are UTC. Zones: a step's own time is the clinic's local calendar, quiet hours are the
patient's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .moments import at_local, shift, shift_day, start_of_day
from .values import Delay, Relative, Timing, WaitFor

MESSAGE_LIFE = timedelta(hours=72)
STALE_AFTER = timedelta(hours=24)
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
# An appointment message that would be held past this long before the start goes at once instead.
LAST_CALL = timedelta(hours=12)

Anchors = Mapping[str, date | None]


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When patients are left in peace: a daily window (it may pass midnight) and closed weekdays (Monday is 0).

    No start or end, or both the same: no window. All seven days closed would hold for ever, and counts as none.
    """

    start: time | None = None
    end: time | None = None
    closed_weekdays: frozenset[int] = frozenset()

    def is_closed(self, day: date) -> bool:
        """Tell whether a local day is closed."""
        return len(self.closed_weekdays) < 7 and day.weekday() in self.closed_weekdays


def anchor_moment(anchor: date | None, zone: ZoneInfo) -> datetime | None:
    """Bring an anchor's value to a moment; a plain date is the start of its local day."""
    if anchor is None or isinstance(anchor, datetime):
        return None if anchor is None else anchor.astimezone(UTC)
    return start_of_day(anchor, zone)


def due(timing: Timing, occurred_at: datetime, zone: ZoneInfo, anchors: Anchors) -> datetime | None:
    """Work out when a step is due; None when its anchor has no value.

    A delay never lies before its event ("today at 09:00" asked for at ten is at once). For wait_for this is the
    deadline.
    """
    if isinstance(timing, Relative):
        anchor = anchor_moment(anchors.get(timing.anchor), zone)
        sign = -1 if timing.direction == "before" else 1
        return None if anchor is None else shift(anchor, sign * timing.amount, timing.unit, zone)
    if isinstance(timing, Delay):
        return max(shift(occurred_at, timing.amount, timing.unit, zone, timing.at), occurred_at.astimezone(UTC))
    if isinstance(timing, WaitFor):
        return shift(occurred_at, timing.amount, timing.unit, zone)
    return occurred_at.astimezone(UTC)


def expires(
    timing: Timing,
    due_at: datetime,
    zone: ZoneInfo,
    anchors: Anchors,
    *,
    message: bool,
    appointment_starts_at: datetime | None = None,
) -> datetime | None:
    """Work out not_after: after this moment the step must not act any more. None: it never expires.

    A step before an anchor expires at the anchor. Any other message 72 h after it was due, and one that was due
    before the
    appointment not after the appointment began. Everything else never.
    """
    if isinstance(timing, Relative) and timing.direction == "before":
        return anchor_moment(anchors.get(timing.anchor), zone)
    if not message:
        return None
    limit = min(due_at, LAST_MOMENT - MESSAGE_LIFE) + MESSAGE_LIFE
    if appointment_starts_at is not None and due_at < appointment_starts_at:
        return min(limit, appointment_starts_at.astimezone(UTC))
    return limit


def release_at(
    moment: datetime,
    quiet: QuietHours,
    zone: ZoneInfo,
    *,
    not_after: datetime | None,
    appointment_starts_at: datetime | None = None,
) -> datetime:
    """Work out when a patient message that is ready at `moment` may leave; `zone` is the patient's.

    It is held to the end of quiet hours and closed days. Where that would pass not_after, or 12 h before the start
    of the
    appointment it comes before, it goes at once.
    """
    moment = moment.astimezone(UTC)
    limits = [] if not_after is None else [not_after]
    if appointment_starts_at is not None and moment < appointment_starts_at:
        limits.append(appointment_starts_at.astimezone(UTC) - LAST_CALL)
    open_at = moment
    while (later := _opens(open_at, quiet, zone)) > open_at:
        open_at = later
    return moment if any(open_at > limit for limit in limits) else open_at


def _opens(moment: datetime, quiet: QuietHours, zone: ZoneInfo) -> datetime:
    """Step to the end of the closed day or quiet window that the moment lies in, or stay."""
    local = moment.astimezone(zone)
    if quiet.is_closed(local.date()):
        return max(moment, start_of_day(shift_day(local.date(), 1, "days"), zone))
    if quiet.start is None or quiet.end is None or quiet.start == quiet.end:
        return moment
    wall = local.time()
    day = local.date()
    if quiet.start < quiet.end:
        inside = quiet.start <= wall < quiet.end
    else:
        inside = wall >= quiet.start or wall < quiet.end
        day = shift_day(day, 1, "days") if wall >= quiet.start else day
    if not inside:
        return moment
    end = at_local(day, quiet.end, zone)
    if end <= moment:  # the window's end comes twice that night, and the first has passed
        end = datetime.combine(day, quiet.end).replace(tzinfo=zone, fold=1).astimezone(UTC)
    return max(moment, end)
