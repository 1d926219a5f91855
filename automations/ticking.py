"""Drain what is due without Celery, and walk the clock from due moment to due moment (demo and tests)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, QuerySet
from django.db.models.functions import Coalesce, Greatest

from automations.executor import execute_batch
from automations.matcher import match_batch
from automations.models import Event, Step
from automations.pauses import standing_pauses
from clinic import clock
from clinic.asking import Earliest, all_of
from clinic.lanes import Lane, lanes

Moments = dict[Lane, datetime]
"""Of each lane that has work ahead, when it has it next."""

ENOUGH_EMPTY = 3
"""Rounds without a result after which due work is left to others: somebody holds its patients."""

SETTLE_SECONDS = 0.05


def drain_engine() -> int:
    """Match every new event and execute every due step, until nothing is left; return how many were dealt with.

    After a batch that broke there is work left although nothing was done: so it looks again, a few times.
    """
    total = empty = 0
    while empty < ENOUGH_EMPTY:
        count = match_batch() + execute_batch()
        total += count
        if not count and oldest_due() is None:
            break
        empty = 0 if count else empty + 1
    return total


def drain_all() -> int:
    """Drain the lanes that have due work until none has: an effect of one may be work for another."""
    return _drain(ahead())


def _drain(moments: Moments) -> int:
    """Drain what is due by these moments, and what becomes due of it; return how many were dealt with.

    A lane that is due and gets nowhere is left to others: somebody else holds its work.
    """
    total = 0
    while True:
        current = clock.now()
        count = sum(lane.drain() for lane, at in moments.items() if at <= current)
        if not count:
            return total
        total += count
        moments = ahead()


def drain_and_settle() -> int:
    """Drain every lane, and wait until the workers that run beside this process have finished what they took."""
    return _settle(ahead())


def _settle(moments: Moments) -> int:
    total = _drain(moments)
    while any(lane.busy() for lane in lanes()):
        time.sleep(SETTLE_SECONDS)
        total += drain_all()
    return total


def _runnable() -> QuerySet[Step]:
    """Return the pending steps that nothing pauses."""
    return Step.objects.filter(~Exists(standing_pauses()), state=Step.State.PENDING, rule__mode__in=("on", "review"))


next_engine_due = Earliest(
    lambda: Event.objects.filter(state=Event.State.NEW).values_list(Coalesce("lease_until", "created_at")),
    lambda: _runnable().values_list(Greatest("due_at", Coalesce("lease_until", "due_at"))),
)
"""Return the moment at which the engine has work next: a new event at once, a pending step at its time.

Steps of paused clinics, rules and patients have no time until somebody resumes them.
"""


def oldest_due() -> datetime | None:
    """Return since when the engine's oldest due work waits, for the health check."""
    current = clock.now()
    moment = next_engine_due()
    return moment if moment is not None and moment <= current else None


def next_due(after: datetime) -> datetime | None:
    """Return the next moment after `after` at which any lane has work."""
    return min((at for at in ahead().values() if at > after), default=None)


def ahead() -> Moments:
    """Return of each lane that has work ahead when it has it next."""
    every = lanes()
    asked = [lane.next_due for lane in every if isinstance(lane.next_due, Earliest)]
    together = dict(zip(asked, all_of(asked), strict=True))  # in one query
    found = {lane: together[ask] if (ask := lane.next_due) in together else ask() for lane in every}
    return {lane: at for lane, at in found.items() if at is not None}


def walk_to(target: datetime) -> Iterator[tuple[datetime, int]]:
    """Move the clock to `target`, stopping at every due moment on the way to drain; yield each stop and its count.

    The clock stands while a worker holds a message, which could become too late under its hands otherwise. Raises
    clinic.errors.Refused outside demo and tests, and for a target in the past. The clock runs on while work is
    done, so it may stand a little past the target at the end.
    """
    clock.require_movable_to(target)
    yield clock.now(), drain_and_settle()
    while True:
        moments, current = ahead(), clock.now()
        # What became due while the last was done is done first, or it would wait for the stop after it.
        if any(at <= current for at in moments.values()) and (count := _settle(moments)):
            yield current, count
            continue
        stop = min((at for at in moments.values() if at > current), default=None)
        if stop is None or stop > target:
            break
        clock.reach(stop)
        yield stop, _settle(moments)
    clock.reach(target)
    yield target, _settle(moments)
