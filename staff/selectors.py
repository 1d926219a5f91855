"""What the staff's pages show, gathered across the apps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.urls import reverse

from accounts.models import Membership
from appointments.models import Appointment
from appointments.selectors import last_appointment, next_appointment
from forms_app.models import FormRequest, FormResponse
from forms_app.selectors import open_requests
from messaging.models import Notification
from messaging.selectors import unread_notifications
from patients.models import Patient
from patients.selectors import age_of
from staff.answers import answer_lines
from staff.care import Care, care_of
from worklist.models import Task
from worklist.selectors import open_tasks_about, open_tasks_of, with_overdue

NEW_ANSWERS = timedelta(days=30)
LIST_MAX = 50


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
class Board:
    """What one person has to look at, at one clinic."""

    told: list[Told]
    tasks: list[Task]


def board_of(memberships: Sequence[Membership], now: datetime) -> Board:
    """Return the unread notifications and the open tasks of one person's roles at one clinic."""
    notes = [note for one in memberships for note in unread_notifications(one)[:LIST_MAX]]
    return Board(
        told=[Told(note, link_of(note)) for note in notes],
        tasks=list(with_overdue(open_tasks_of(*memberships), now)[:LIST_MAX]),
    )


ADMIN_PAGES: dict[str, Any] = {"appointment": Appointment, "form": FormRequest, "task": Task}


def link_of(note: Notification) -> str:
    """Return the address a notification leads to; the patient's summary unless it names another record."""
    model = ADMIN_PAGES.get(note.link_kind)
    if model is not None and note.link_id and admin.site.is_registered(model):
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[note.link_id])
    return reverse("staff:patient-summary", args=[note.patient_id])
