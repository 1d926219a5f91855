"""What the portal's pages show: visits, today's exercises, forms, and what was told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from appointments.lifecycle import OPEN
from appointments.models import Appointment, VisitSummary
from appointments.selectors import appointments_of
from clinic import clock
from forms_app.models import FormRequest, FormResponse
from messaging.models import Notification
from messaging.selectors import notifications_of_patient
from patients.models import Patient
from treatments.adherence import week_of
from treatments.locking import patient_day
from treatments.models import Exercise, ExerciseSession, PlanVersion, TreatmentPlan
from treatments.selectors import running_plans, version_on

JOIN_BEFORE = timedelta(minutes=15)
LONGEST_VISIT = timedelta(days=1)


# --- visits ---


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as its patient sees it. `join`: the link to join it, when its time is near."""

    row: Appointment
    join: str
    summary: bool


def coming(patient: Patient, moment: datetime) -> list[Visit]:
    """List the visits that are ahead or go on now, soonest first."""
    rows = appointments_of(patient.pk).filter(status__in=OPEN, starts_at__gt=moment - LONGEST_VISIT)
    found = [one for one in rows.order_by("starts_at", "pk") if _ends(one) > moment]
    return [Visit(one, _join(one, moment), False) for one in found]


def past(patient: Patient, moment: datetime) -> QuerySet[Appointment]:
    """Return the visits that began, and cancelled ones, latest first; `released` holds the summary that is out."""
    released = VisitSummary.objects.filter(status=VisitSummary.Status.RELEASED)
    gone = Q(starts_at__lte=moment) | ~Q(status__in=OPEN)
    rows = appointments_of(patient.pk).filter(gone)
    return rows.prefetch_related(Prefetch("summaries", released, to_attr="released"))


def is_released(visit: Any) -> bool:
    """Tell whether the summary of one of the `past` visits may be read."""
    return bool(visit.released)


def summary_of(patient: Patient, appointment_id: int) -> VisitSummary | None:
    """Return the summary of one of the patient's visits, if it was released."""
    rows = VisitSummary.objects.filter(appointment_id=appointment_id, patient=patient)
    rows = rows.filter(status=VisitSummary.Status.RELEASED)
    return rows.select_related("appointment__service", "appointment__specialist", "released_by").first()


def _ends(visit: Appointment) -> datetime:
    return visit.starts_at + timedelta(minutes=visit.minutes)


def _join(visit: Appointment, moment: datetime) -> str:
    near = visit.starts_at - JOIN_BEFORE <= moment < _ends(visit)
    return visit.join_url or "" if near else ""


# --- exercises ---


@dataclass(frozen=True, slots=True)
class Todo:
    """An exercise of a plan, or the plan itself where it names none, and how often it was done."""

    plan: TreatmentPlan
    exercise: Exercise | None
    weekly: int
    today: int
    week: int

    @property
    def key(self) -> str:
        """Return what a form posts for it."""
        return f"{self.plan.pk}-{self.exercise.pk if self.exercise else 0}"

    @property
    def name(self) -> str:
        """Return what to do."""
        return self.exercise.name if self.exercise else self.plan.name


def today_of(patient: Patient) -> date:
    """Return the patient's local day."""
    return patient_day(patient, patient.clinic.time_zone, clock.now())


def todos(patient: Patient) -> list[Todo]:
    """List what is to be done today, plan by plan; nothing of plans that are paused or whose days are over."""
    day = today_of(patient)
    plans = running_plans(patient.pk).filter(status=TreatmentPlan.Status.ACTIVE, starts_on__lte=day)
    plans = plans.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=day)).order_by("starts_on", "pk")
    exercises = Prefetch("exercises", Exercise.objects.order_by("position"))
    versions = Prefetch("versions", PlanVersion.objects.order_by("-number").prefetch_related(exercises))
    rows = list(plans.prefetch_related(versions))
    week = _done(patient, week_of(day, patient.clinic.week_start), day)
    today = _done(patient, day, day)
    valid = [(plan, found) for plan in rows if (found := version_on(plan.versions.all(), day)) is not None]
    return [_todo(plan, exercise, version, today, week) for plan, version in valid for exercise in _of(version)]


def _of(version: PlanVersion) -> list[Exercise | None]:
    return list(version.exercises.all()) or [None]


def _todo(
    plan: TreatmentPlan, exercise: Exercise | None, version: PlanVersion, today: Counter[Any], week: Counter[Any]
) -> Todo:
    key = (plan.pk, exercise.name if exercise else "")
    weekly = exercise.sessions_per_week if exercise else version.sessions_per_week
    return Todo(plan, exercise, weekly, today[key], week[key])


def _done(patient: Patient, first: date, last: date) -> Counter[Any]:
    """Count sessions by plan and exercise; by its name, for a new version of a plan has new rows of the same."""
    rows = ExerciseSession.objects.filter(patient=patient, status=ExerciseSession.Status.DONE)
    rows = rows.filter(done_on__gte=first, done_on__lte=last)
    return Counter((plan, name or "") for plan, name in rows.values_list("plan_id", "exercise__name"))


# --- forms and notifications ---


def done_forms(patient: Patient) -> QuerySet[FormResponse]:
    """Return what the patient signed or submitted, the newest of each, latest first; withdrawn consents too."""
    kept = (*FormRequest.FILLED, FormRequest.Status.WITHDRAWN)
    rows = FormResponse.objects.filter(patient=patient, request__status__in=kept)
    newest = rows.order_by("request_id", "-number").distinct("request_id").values("pk")
    rows = FormResponse.objects.filter(pk__in=newest).select_related("version", "template", "request", "clinic")
    return rows.order_by("-signed_at", "-pk")


def told(patient: Patient) -> QuerySet[Notification]:
    """Return what the patient was told inside the platform, newest first."""
    return notifications_of_patient(patient)
