"""What the staff's pages show, gathered across the apps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse

from accounts.models import Membership
from accounts.selectors import local_date
from appointments.models import Appointment
from appointments.selectors import appointments_between, last_appointment, next_appointment
from automations.interventions import SENDERS
from automations.models import Step
from automations.showing.trace import action_label
from forms_app.models import FormRequest, FormResponse
from forms_app.selectors import open_requests
from messaging.models import Delivery, Notification
from messaging.selectors import not_arrived, unread_notifications
from patients.models import Patient
from patients.selectors import age_of
from staff import days
from staff.answers import answer_lines
from staff.care import Care, care_of
from staff.visiting import Row, rows_of
from worklist.models import Task
from worklist.selectors import open_tasks_about, open_tasks_of, with_overdue

NEW_ANSWERS = timedelta(days=30)
NOT_ARRIVED_SINCE = timedelta(days=7)
FIRST = 12
"""So many tasks and notifications stand on the first page; the others are a click away."""
LIST_MAX = 50
VISITS_MAX = 100
FAILED_MAX = 10


@dataclass(frozen=True, slots=True)
class Answers:
    """One filled form: its title, who signed it when, and its lines."""

    title: str
    signed_at: datetime
    signed_by: str
    lines: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PatientSummary:
    """Everything on the patient's summary page."""

    patient: Patient
    age: int | None
    last_visit: Appointment | None
    next_visit: Appointment | None
    care: Care
    open_forms: list[FormRequest]
    answers: list[Answers]
    tasks: list[Task]


def patient_summary(patient: Patient, now: datetime, languages: Sequence[str]) -> PatientSummary:
    """Gather the summary as of `now`; `patient` comes with clinic and specialist. Eight queries."""
    last, coming = last_appointment(patient.pk, now), next_appointment(patient.pk, now)
    visits = [visit.pk for visit in (last, coming) if visit is not None]
    return PatientSummary(
        patient=patient,
        age=age_of(patient, now),
        last_visit=last,
        next_visit=coming,
        care=care_of(patient, now),
        open_forms=list(open_requests(patient.pk)[:LIST_MAX]),
        answers=[_answers(one, languages) for one in _new_responses(patient.pk, visits, now - NEW_ANSWERS)],
        tasks=list(with_overdue(open_tasks_about(patient.pk), now)[:LIST_MAX]),
    )


def _new_responses(patient_id: int, visits: Sequence[int], since: datetime) -> list[FormResponse]:
    """Return the newest answers of each request signed since then, or about these visits; withdrawn ones left out."""
    about_visit = Q(request__about_type="appointment", request__about_id__in=visits)
    rows = FormResponse.objects.filter(Q(signed_at__gte=since) | about_visit, patient_id=patient_id)
    rows = rows.filter(request__status__in=FormRequest.FILLED).select_related("version")
    newest = rows.order_by("request_id", "-number").distinct("request_id")
    return sorted(newest, key=lambda one: one.signed_at, reverse=True)[:LIST_MAX]


def _answers(response: FormResponse, languages: Sequence[str]) -> Answers:
    lines = answer_lines(response, languages)
    return Answers(response.version.title, response.signed_at, response.signed_by, lines)


@dataclass(frozen=True, slots=True)
class Told:
    """A notification and where it leads."""

    notification: Notification
    link: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A step that a rule in review planned: what it would do."""

    step: Step
    action: Any


@dataclass(frozen=True, slots=True)
class Board:
    """What one person has to look at, at one clinic."""

    told: list[Told]
    tasks: list[Task]
    visits: list[Row]
    drafts: list[Draft]
    failed: list[Delivery]

    @property
    def patients(self) -> list[int]:
        """Name the patients of whom something is shown."""
        rows: list[Any] = [*self.tasks, *self.failed, *(one.visit for one in self.visits)]
        rows += [*(one.notification for one in self.told), *(one.step for one in self.drafts)]
        return sorted({row.patient_id for row in rows} - {None})


def board_of(desk: Any, now: datetime) -> Board:
    """Return the day of one person at one clinic, in all their roles there; a specialist's visits are their own."""
    notes = [note for one in desk.here for note in unread_notifications(one)[:FIRST]]
    return Board(
        told=[Told(note, link_of(note)) for note in notes],
        tasks=list(with_overdue(open_tasks_of(*desk.here), now)[:FIRST]),
        visits=rows_of(desk, _visits_today(desk, now), now),
        drafts=drafts_of(desk.clinic) if desk.role in SENDERS else [],
        failed=list(not_arrived(desk.clinic).filter(finished_at__gte=now - NOT_ARRIVED_SINCE)[:FAILED_MAX]),
    )


def _visits_today(desk: Any, now: datetime) -> list[Appointment]:
    day = local_date(desk.clinic, now)
    rows = appointments_between(desk.clinic, *days.bounds(desk.clinic, day, day))
    if desk.role == Membership.Role.SPECIALIST:
        rows = rows.filter(specialist=desk.membership)
    return list(rows.exclude(status=Appointment.Status.ENTERED_IN_ERROR)[:VISITS_MAX])


def drafts_of(clinic: Any) -> list[Draft]:
    """Return what rules in review planned and nobody has approved yet, the soonest first."""
    rows = Step.objects.for_clinic(clinic).filter(rule__clinic=clinic, state=Step.State.HELD, reason="review")
    rows = rows.select_related("rule", "patient").defer("rule__draft", "config", "result").order_by("due_at", "pk")
    return [Draft(step, action_label(step.action)) for step in rows[:LIST_MAX]]


def link_of(note: Notification) -> str:
    """Return the address a notification leads to; the patient's summary unless it names another record."""
    if note.link_id and note.link_kind == "appointment":
        return reverse("staff:visit", args=[note.link_id])
    if note.link_id and note.link_kind == "form":
        return reverse("staff:form", args=[note.link_id])
    if note.link_id and note.link_kind == "task":
        return f"{reverse('staff:worklist')}?task={note.link_id}"
    return reverse("staff:patient-summary", args=[note.patient_id])
