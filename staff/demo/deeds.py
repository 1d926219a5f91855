"""What people of the demo's story do, each through the service that a page or an admin would call.

A deed is made now and done later; it looks for its records when it is done, and leaves alone what was done before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts.actor import Actor, acting_as
from accounts.models import Clinic, Membership
from accounts.permissions import Role
from accounts.selectors import local_date
from appointments import services as visits
from appointments.lifecycle import can_move
from appointments.models import Appointment, Service
from appointments.summaries import release_summary, write_summary
from forms_app import services as forms
from forms_app.models import FormRequest
from patients.models import Patient
from staff.demo.people import Person, admit
from treatments import planning, sessions
from treatments import services as plans
from treatments.models import ExerciseSession, TreatmentPlan
from worklist import services as work
from worklist.models import Task

Do = Callable[[datetime], object]
"""Done with the moment at which it happened; the clock may stand some hours later."""
TO = {
    "confirm": "confirmed",
    "start": "in_progress",
    "complete": "completed",
    "cancel": "cancelled",
    "no_show": "no_show",
}
SUMMARY = (
    "Thank you for coming. We looked at how you move and where it hurts. Please do the exercises as shown, three times "
    "a week, and stop if the pain grows. We will look at it together next time."
)
EXERCISES = (
    {"name": "Bridge", "sessions_per_week": 2, "instructions": "Three times ten, slowly."},
    {"name": "Walking", "sessions_per_week": 1, "instructions": "Half an hour, at your own pace."},
)


def patient_of(clinic: Clinic, person: Person) -> Patient:
    """Return the patient that a person has become."""
    return Patient.objects.get(clinic=clinic, external_id=person.external_id)


def themselves(patient: Patient) -> Any:
    """Act as the patient, at home."""
    return acting_as(Actor("patient", patient_id=patient.pk, clinic_id=patient.clinic_id))


def register(clinic: Clinic, person: Person) -> Do:
    """Register a patient."""
    return lambda at: admit(clinic, person, at)


# --- forms ---


def fill(clinic: Clinic, person: Person, form: str, mood: int) -> Do:
    """Sign or answer a form, if it is open; `mood`, 0 to 10, is what scales are answered with."""

    def do(at: datetime) -> None:
        patient = patient_of(clinic, person)
        request = _open(patient, form)
        signers = forms.who_may_sign(request, at) if request else []
        if request is None or not signers:
            return
        answers = {one["id"]: _answer(one, mood) for one in request.version.questions if one["type"] != "display"}
        with themselves(patient):
            forms.sign(request, answers=answers, signed_by=str(patient), relation=signers[0].relation, occurred_at=at)

    return do


def _open(patient: Patient, form: str) -> FormRequest | None:
    rows = FormRequest.objects.filter(patient=patient, template__slug=form, status__in=FormRequest.OPEN)
    return rows.select_related("template", "version", "patient__clinic").first()


def _answer(question: Mapping[str, Any], mood: int) -> Any:
    kind = question["type"]
    if kind in ("choice", "multiple_choice"):
        value = question["choices"][mood % len(question["choices"])]["value"]
        return value if kind == "choice" else [value]
    if kind in ("scale", "integer", "number"):
        return max(question.get("min", 0), min(mood, question.get("max", 10)))
    plain = {
        "boolean": mood > 4,
        "date": "2026-01-15",
        "text": "As before.",
        "long_text": "My back, when I sit for long.",
    }
    return plain[kind]


def decline(clinic: Clinic, person: Person, form: str) -> Do:
    """Decline a form, if it is open."""

    def do(at: datetime) -> None:
        patient = patient_of(clinic, person)
        request = _open(patient, form)
        if request is not None:
            with themselves(patient):
                forms.decline(request, reason="I prefer to come to the clinic.", occurred_at=at)

    return do


def withdraw(clinic: Clinic, person: Person, form: str) -> Do:
    """Take a signed consent back."""

    def do(at: datetime) -> None:
        signed = FormRequest.objects.filter(
            patient=patient_of(clinic, person), template__slug=form, status=FormRequest.Status.SIGNED
        ).first()
        if signed is not None:
            forms.withdraw(signed, reason="No room at home any more.", occurred_at=at)

    return do


# --- visits ---


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of the story."""

    clinic: Clinic
    person: Person
    number: int

    @property
    def external_id(self) -> str:
        """Return the id by which the visit is found again."""
        return f"demo-visit-{self.person.number}-{self.number}"

    def _row(self) -> Appointment | None:
        return Appointment.objects.filter(clinic=self.clinic, external_id=self.external_id).first()

    def book(self, service: str, starts: datetime) -> Do:
        """Book the visit with the patient's own specialist."""

        def do(at: datetime) -> None:
            if self._row() is None:
                patient = patient_of(self.clinic, self.person)
                visits.book(
                    clinic=self.clinic,
                    patient=patient,
                    service=Service.objects.get(clinic=self.clinic, slug=service),
                    specialist=patient.specialist or _anybody(self.clinic),
                    starts_at=starts,
                    location="Room 2",
                    external_id=self.external_id,
                    occurred_at=at,
                )

        return do

    def move(self, verb: str) -> Do:
        """Confirm, start, complete, cancel the visit, or note that the patient did not come."""

        def do(at: datetime) -> None:
            row = self._row()
            if (
                row is not None
                and can_move(row.status, TO[verb])
                and (verb in ("confirm", "cancel") or row.starts_at <= at)
            ):
                getattr(visits, verb)(row, occurred_at=at)

        return do

    def put_off(self) -> Do:
        """Move a visit that is still ahead by a day."""

        def do(at: datetime) -> None:
            row = self._row()
            if row is not None and row.status in ("booked", "confirmed") and row.starts_at > at:
                visits.reschedule(row, starts_at=row.starts_at + timedelta(days=1), occurred_at=at)

        return do

    def summarise(self) -> Do:
        """Write the summary of a visit that took place, and release it."""

        def do(at: datetime) -> None:
            row = self._row()
            if row is not None and row.status == Appointment.Status.COMPLETED:
                write_summary(row, text=SUMMARY)
                release_summary(row, occurred_at=at)

        return do


def _anybody(clinic: Clinic) -> Membership | None:
    return Membership.objects.filter(clinic=clinic, role=Role.SPECIALIST, is_active=True).order_by("pk").first()


# --- plans ---


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one patient."""

    clinic: Clinic
    person: Person

    def _row(self) -> TreatmentPlan | None:
        external_id = f"demo-plan-{self.person.number}"
        return TreatmentPlan.objects.filter(clinic=self.clinic, external_id=external_id).first()

    def assign(self, sessions_a_week: int, weeks: int) -> Do:
        """Write the plan and assign it, from today on."""
        assert sum(one["sessions_per_week"] for one in EXERCISES) == sessions_a_week  # type: ignore[misc]

        def do(at: datetime) -> None:
            row = self._row()
            if row is None:
                patient = patient_of(self.clinic, self.person)
                day = local_date(self.clinic, at)
                row = planning.create_plan(
                    clinic=self.clinic,
                    patient=patient,
                    name="Exercises at home",
                    exercises=EXERCISES,
                    starts_on=day,
                    ends_on=day + timedelta(weeks=weeks),
                    specialist=patient.specialist or _anybody(self.clinic),
                    external_id=f"demo-plan-{self.person.number}",
                )
            if row.status == TreatmentPlan.Status.DRAFT:
                plans.assign(row, occurred_at=at)

        return do

    def log(self, pain: int) -> Do:
        """Log a session, with how much it hurt."""

        def do(at: datetime) -> None:
            row = self._row()
            if row is None or row.status != TreatmentPlan.Status.ACTIVE:
                return
            if not ExerciseSession.objects.filter(plan=row, done_at=at).exists():
                with themselves(row.patient):
                    sessions.log_session(row, done_at=at, pain=pain)

        return do

    def complete(self) -> Do:
        """End the plan as completed."""

        def do(at: datetime) -> None:
            row = self._row()
            if row is not None and row.status == TreatmentPlan.Status.ACTIVE:
                plans.complete(row, occurred_at=at)

        return do


# --- the staff ---


def finish_tasks(clinic: Clinic, before: datetime) -> Do:
    """Finish most of the tasks that were there before; every fourth stays for the demo to show."""

    def do(at: datetime) -> None:
        for task in Task.objects.filter(clinic=clinic, status=Task.Status.OPEN, created_at__lt=before):
            if task.pk % 4:
                work.complete(task)

    return do
