"""Close weeks: once a week and the clinic's grace are over, each plan's week is evaluated, once.

What is due is read from the rows: a plan knows the first day that no closed week holds, and the clinic's zone, week
and grace, as they are now, say when that day's week closes. So a changed setting needs no other row to be changed, and
any number of workers may close: they take the patients that nobody holds, and look again once they hold them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from accounts.models import Clinic
from clinic import clock
from clinic.asking import Fixed
from patients.models import Patient
from treatments.adherence import WEEK, closes_at, evaluate, last_day_of, week_of
from treatments.models import STILL_COUNTED, TreatmentPlan, WeeklyAdherence
from treatments.weeks import ONE_DAY, courses_of, days_done

BATCH = 200
BUDGET_SECONDS = 3.0
CATCH_UP = 520
"""Weeks of one plan that one batch closes; a plan that waits longer goes on in the next."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When weeks close at one clinic."""

    clinic_id: int
    zone: ZoneInfo
    week_start: int
    grace_hours: int

    def closes_at(self, day: date) -> datetime:
        """Return the moment at which the week that holds a local day is evaluated."""
        return closes_at(last_day_of(day, self.week_start), self.zone, self.grace_hours)

    def open_from(self, moment: datetime) -> date:
        """Return the first day of the earliest week that is not to be evaluated yet."""
        start = week_of(moment.astimezone(self.zone).date(), self.week_start)
        while self.closes_at(start - ONE_DAY) > moment:
            start -= timedelta(days=WEEK)
        return start


def drain() -> int:
    """Close every week that is due, batch after batch, until none is left or the budget is spent; count the plans."""
    deadline = time.monotonic() + BUDGET_SECONDS
    total = 0
    while time.monotonic() < deadline and (count := close_batch()):
        total += count
    return total


def next_due() -> datetime | None:
    """Return the moment at which the next week closes."""
    return min((calendar.closes_at(day) for calendar, day in _waiting()), default=None)


def oldest_due() -> datetime | None:
    """Return since when the longest waiting week is due, for the health check."""
    moment = next_due()
    return moment if moment is not None and moment <= clock.now() else None


def _clinics_that_wait() -> QuerySet[Clinic, tuple[Any, ...]]:
    waiting = TreatmentPlan.objects.filter(STILL_COUNTED, clinic=OuterRef("pk")).order_by("counted_until_on")
    rows = Clinic.objects.annotate(first=Subquery(waiting.values("counted_until_on")[:1])).filter(first__isnull=False)
    return rows.order_by("pk").values_list("pk", "time_zone", "week_start", "adherence_grace_hours", "first")


_asked = Fixed(_clinics_that_wait)


def _waiting() -> list[tuple[Calendar, date]]:
    """Return the clinics where weeks are still to be closed, and the first day that waits at each."""
    return [(Calendar(pk, ZoneInfo(zone), start, grace), first) for pk, zone, start, grace, first in _asked.rows()]


def close_batch(limit: int = BATCH) -> int:
    """Close what is due of up to `limit` plans a clinic in one transaction; return how many plans came forward."""
    moment = clock.now()
    due = [calendar for calendar, day in _waiting() if calendar.closes_at(day) <= moment]
    if not due:
        return 0
    with transaction.atomic():
        return sum(_close(calendar, calendar.open_from(moment), limit) for calendar in due)


def _close(calendar: Calendar, until: date, limit: int) -> int:
    """Close the weeks before the day `until` of plans whose patients nobody holds."""
    ready = TreatmentPlan.objects.filter(STILL_COUNTED, clinic_id=calendar.clinic_id, counted_until_on__lt=until)
    chosen = ready.order_by("counted_until_on", "pk")[:limit].values_list("patient_id", flat=True)
    patients = {patient.pk: patient for patient in _lock(set(chosen))}
    plans = list(ready.filter(patient_id__in=patients).order_by("patient_id", "pk")[:limit])
    if not plans:
        return 0
    WeeklyAdherence.objects.bulk_create(_evaluated(plans, calendar, until, patients))
    for day in {plan.counted_until_on for plan in plans}:
        moved = [plan.pk for plan in plans if plan.counted_until_on == day]
        TreatmentPlan.objects.filter(pk__in=moved).update(counted_until_on=day)
    return len(plans)


def _lock(ids: set[int]) -> QuerySet[Patient]:
    rows = Patient._base_manager.filter(pk__in=ids).order_by("pk")
    return rows.select_for_update(no_key=True, skip_locked=True)


def _evaluated(
    plans: list[TreatmentPlan], calendar: Calendar, until: date, patients: dict[int, Patient]
) -> list[WeeklyAdherence]:
    """Return the weeks of these plans that have closed, oldest first, and move the plans past them.

    Nobody counts the weeks of a patient who is no longer in care: they pass without a value.
    """
    courses = courses_of(plans)
    first = min(plan.counted_until_on for plan in plans if plan.counted_until_on)
    done = days_done([plan.pk for plan in plans], first, until)
    before = _newest(plan.pk for plan in plans)
    weeks = []
    for plan in plans:
        previous = before.get(plan.pk)
        for first_on, last_on in _closed_days(plan, calendar, until):
            plan.counted_until_on = last_on + ONE_DAY
            week = evaluate(courses[plan.pk], done.get(plan.pk, []), first_on, last_on)
            if week is None or not patients[plan.patient_id].is_active:
                continue
            row = WeeklyAdherence(
                clinic_id=plan.clinic_id,
                plan=plan,
                patient_id=plan.patient_id,
                week_on=week_of(first_on, calendar.week_start),
                first_on=first_on,
                last_on=last_on,
                prescribed=week.prescribed,
                completed=week.completed,
                percent=week.percent,
                previous=previous,
                closed_at=calendar.closes_at(first_on),
            )
            row.occurred_at_hint = row.closed_at  # type: ignore[attr-defined]
            weeks.append(row)
            previous = week.percent
    return weeks


def _closed_days(plan: TreatmentPlan, calendar: Calendar, until: date) -> Iterable[tuple[date, date]]:
    """Yield the first and last day to count of each closed week of a plan, up to the plan's end."""
    day = plan.counted_until_on
    last = min((one for one in (plan.ends_on, plan.ended_on) if one is not None), default=until)
    for _ in range(CATCH_UP):
        if day is None or day >= until or day > last:
            return
        end = last_day_of(day, calendar.week_start)
        yield day, end
        day = end + ONE_DAY


def _newest(plans: Iterable[int]) -> dict[int, float]:
    """Return the adherence of each plan's newest evaluated week, as it is now."""
    rows = WeeklyAdherence.objects.filter(plan_id__in=list(plans)).order_by("plan_id", "-first_on")
    return dict(rows.distinct("plan_id").values_list("plan_id", "percent"))
