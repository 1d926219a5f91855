"""Questions about plans, sessions, pain and weeks."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from treatments.lifecycle import RUNNING
from treatments.models import Exercise, ExerciseSession, PainScore, PlanVersion, Program, TreatmentPlan, WeeklyAdherence

TREND_OVER = 5
STEADY_WITHIN = 1.0
"""A pain that differs by less than this from the mean of the scores before it is steady."""


def plans_of(patient_id: int) -> QuerySet[TreatmentPlan]:
    """Return a patient's plans, latest first."""
    rows = TreatmentPlan.objects.filter(patient_id=patient_id).select_related("program", "specialist")
    return rows.order_by("-starts_on", "-pk")


def clinic_plans(clinic: Any, *, statuses: Collection[str] = (), specialist_id: int | None = None) -> QuerySet[Any]:
    """Return the clinic's plans, latest first, with `last_percent`: the adherence of the newest evaluated week."""
    weeks = WeeklyAdherence.objects.filter(plan=OuterRef("pk")).order_by("-first_on")
    rows = TreatmentPlan.objects.for_clinic(clinic).annotate(last_percent=Subquery(weeks.values("percent")[:1]))
    if statuses:
        rows = rows.filter(status__in=statuses)
    if specialist_id is not None:
        rows = rows.filter(specialist_id=specialist_id)
    return rows.select_related("patient", "program", "specialist").order_by("-starts_on", "-pk")


def logged_sessions(plan: TreatmentPlan) -> QuerySet[ExerciseSession]:
    """Return every session of a plan that was logged, struck ones included, latest first."""
    rows = ExerciseSession.objects.filter(plan=plan).select_related("exercise", "member")
    return rows.order_by("-done_at", "-pk")


def versions_of(plan: TreatmentPlan) -> list[PlanVersion]:
    """Return what a plan prescribes and prescribed, newest first, each with its exercises; two queries."""
    rows = PlanVersion.objects.filter(plan=plan).select_related("written_by")
    return list(rows.prefetch_related(Prefetch("exercises", Exercise.objects.order_by("position"))).order_by("-number"))


def version_on(versions: Iterable[PlanVersion], day: date) -> PlanVersion | None:
    """Return of versions, newest first, the one that is valid on a day; the first one before its day."""
    found = None
    for version in versions:
        found = version
        if version.from_on <= day:
            break
    return found


def running_plans(patient_id: int) -> QuerySet[TreatmentPlan]:
    """Return the plans that a patient follows now, paused ones included, latest first."""
    return plans_of(patient_id).filter(status__in=RUNNING)


def current_version(plan: TreatmentPlan, on: Any) -> PlanVersion | None:
    """Return the version of a plan that is valid on a day, with its exercises; the first one before its day."""
    rows = PlanVersion.objects.filter(plan=plan).prefetch_related(
        Prefetch("exercises", Exercise.objects.order_by("position"))
    )
    return rows.filter(from_on__lte=on).order_by("-number").first() or rows.order_by("number").first()


def current_exercises(plans: Collection[TreatmentPlan], on: date) -> list[Exercise]:
    """Return the exercises that plans prescribe on a day, plan by plan, each with its version. One query."""
    valid = PlanVersion.objects.filter(plan__in=plans, from_on__lte=on).order_by("plan_id", "-number")
    rows = Exercise.objects.filter(version__in=valid.distinct("plan_id").values("pk")).select_related("version")
    return list(rows.order_by("-version__plan_id", "position"))


def sessions_of(plan: TreatmentPlan) -> QuerySet[ExerciseSession]:
    """Return the sessions of a plan that count, latest first."""
    rows = ExerciseSession.objects.filter(plan=plan, status=ExerciseSession.Status.DONE)
    return rows.select_related("exercise").order_by("-done_at", "-pk")


def weeks_of(plan: TreatmentPlan) -> QuerySet[WeeklyAdherence]:
    """Return the evaluated weeks of a plan, latest first."""
    return WeeklyAdherence.objects.filter(plan=plan).order_by("-first_on")


def pain_scores(patient_id: int) -> QuerySet[PainScore]:
    """Return a patient's pain scores, latest first."""
    rows = PainScore.objects.filter(patient_id=patient_id, status=PainScore.Status.FINAL)
    return rows.order_by("-measured_at", "-pk")


@dataclass(frozen=True, slots=True)
class Pain:
    """The latest pain, the scores that led to it (oldest first), and where it goes: up, down, steady or unknown."""

    latest: PainScore
    scores: tuple[PainScore, ...]
    trend: str


def pain_of(patient_id: int, now: datetime) -> Pain | None:
    """Return the latest pain with its trend against the mean of the scores before it; None if none is known."""
    rows: list[PainScore] = list(pain_scores(patient_id).filter(measured_at__lte=now)[: TREND_OVER + 1])
    if not rows:
        return None
    latest, *before = rows
    return Pain(latest, tuple(reversed(rows)), _trend(latest.value, [one.value for one in before]))


def _trend(latest: float, before: list[float]) -> str:
    if not before:
        return "unknown"
    change = latest - sum(before) / len(before)
    if abs(change) < STEADY_WITHIN:
        return "steady"
    return "up" if change > 0 else "down"


def offered_programs(clinic: Any) -> QuerySet[Program]:
    """Return the programs that new plans may follow."""
    return Program.objects.for_clinic(clinic).filter(archived_at=None)


def specialists_of_plans(plan_ids: Collection[int]) -> dict[int, int]:
    """Return plan id → membership id of its specialist, for those that have one."""
    rows = TreatmentPlan.objects.filter(pk__in=plan_ids, specialist__isnull=False)
    return dict(rows.values_list("pk", "specialist_id"))


def latest_plan_specialists(patient_ids: Collection[int]) -> dict[int, int]:
    """Return patient id → membership id of the specialist of the newest plan that the patient follows now."""
    rows = TreatmentPlan.objects.filter(patient_id__in=patient_ids, status__in=RUNNING, specialist__isnull=False)
    rows = rows.order_by("patient_id", "-starts_on", "-pk").distinct("patient_id")
    return dict(rows.values_list("patient_id", "specialist_id"))
