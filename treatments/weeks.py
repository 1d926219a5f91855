"""Bring plans to what the arithmetic of weeks asks for, and count closed weeks anew after a late correction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from clinic.db import silently
from treatments.adherence import Course, evaluate, percent
from treatments.models import ExerciseSession, PlanPause, PlanVersion, TreatmentPlan, WeeklyAdherence

ONE_DAY = timedelta(days=1)


def courses_of(plans: Iterable[TreatmentPlan]) -> dict[int, Course]:
    """Return what each plan prescribes when, in two queries; only of plans that were assigned."""
    assigned = [plan for plan in plans if plan.active_on is not None]
    ids = [plan.pk for plan in assigned]
    versions: dict[int, list[tuple[date, int]]] = {}
    pauses: dict[int, list[tuple[date, date | None]]] = {}
    rows = PlanVersion.objects.filter(plan_id__in=ids).order_by("plan_id", "number")
    for pk, from_on, count in rows.values_list("plan_id", "from_on", "sessions_per_week"):
        versions.setdefault(pk, []).append((from_on, count))
    stops = PlanPause.objects.filter(plan_id__in=ids).order_by("plan_id", "from_on")
    for pk, from_on, until_on in stops.values_list("plan_id", "from_on", "until_on"):
        pauses.setdefault(pk, []).append((from_on, until_on))
    return {
        plan.pk: Course(first_day(plan), last_day(plan), versions.get(plan.pk, []), pauses.get(plan.pk, []))
        for plan in assigned
    }


def first_day(plan: TreatmentPlan) -> date:
    """Return the first day for which an assigned plan prescribes anything."""
    assert plan.active_on is not None
    return max(plan.starts_on, plan.active_on)


def last_day(plan: TreatmentPlan) -> date | None:
    """Return the last day for which a plan prescribes anything; None: no end is known."""
    ended = None if plan.ended_on is None else plan.ended_on - ONE_DAY
    return min((day for day in (plan.ends_on, ended) if day is not None), default=None)


def days_done(plans: Iterable[int], since: date, until: date) -> dict[int, list[date]]:
    """Return by plan the day of every session that was done from one day to another."""
    rows = ExerciseSession.objects.filter(plan_id__in=list(plans), done_on__range=(since, until))
    found: dict[int, list[date]] = {}
    for pk, day in rows.filter(status=ExerciseSession.Status.DONE).values_list("plan_id", "done_on"):
        found.setdefault(pk, []).append(day)
    return found


def recount(plan: TreatmentPlan, *, since: date, until: date | None = None) -> int:
    """Count the plan's closed weeks that hold any of these days anew; the patient's lock is held.

    Rules hear nothing of it: only what waits because a week was low is stopped if it no longer is. A week that comes
    to prescribe nothing keeps its numbers. Returns how many changed.
    """
    weeks = WeeklyAdherence.objects.filter(plan=plan, last_on__gte=since).order_by("first_on")
    if until is not None:
        weeks = weeks.filter(first_on__lte=until)
    rows: list[WeeklyAdherence] = list(weeks)
    if not rows or plan.active_on is None:
        return 0
    course = courses_of([plan])[plan.pk]
    done = days_done([plan.pk], rows[0].first_on, rows[-1].last_on).get(plan.pk, [])
    changed = [row for row in rows if _apply(row, course, done)]
    if changed:
        with silently("late correction"):
            WeeklyAdherence.objects.bulk_update(changed, ["prescribed", "completed", "percent"])
    return len(changed)


def _apply(row: WeeklyAdherence, course: Course, done: list[date]) -> bool:
    week = evaluate(course, done, row.first_on, row.last_on)
    if week is None or (week.prescribed, week.completed) == (row.prescribed, row.completed):
        return False
    row.prescribed, row.completed = week.prescribed, week.completed
    row.percent = percent(week.completed, week.prescribed)
    return True
