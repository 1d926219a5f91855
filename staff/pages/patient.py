"""The pages of one patient: at a glance, what happened and did not, what is coming, and the records."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language

from accounts import audit
from accounts.models import Pause
from appointments.selectors import appointments_of
from automations.models import Step
from clinic.clock import now
from forms_app.models import FormRequest
from patients.categories import OPT_IN, Category, Channel
from patients.consents import consents_of, preferences
from patients.grants import in_force
from patients.models import FeatureGrant, Patient
from segments.selectors import segments_of
from staff import selectors, timeline
from staff.frame import page, paged
from staff.pages.flow import rows_of, with_all
from staff.pages.patient_forms import GrantForm, PainForm, SessionForm
from staff.pages.patients import mine
from treatments.models import ExerciseSession
from treatments.selectors import current_exercises, plans_of, running_plans

PARTS = 40
LATELY = 10
READ = ("GET", "HEAD")


def shown(request: Any, patient: Patient, tab: str, **context: Any) -> HttpResponse:
    """Show one of the patient's pages, and record that it was read."""
    stop = Pause.objects.filter(
        clinic_id=patient.clinic_id, scope=Pause.Scope.PATIENT, target_id=patient.pk, ended_at__isnull=True
    ).first()
    audit.record(f"patient.{tab}_read", obj=patient)
    return render(request, f"staff/patient/{tab}.html", {"patient": patient, "tab": tab, "stop": stop, **context})


@page(methods=READ)
def overview(request: Any, pk: int) -> HttpResponse:
    """Show the patient at a glance."""
    patient = mine(request, pk)
    languages = [get_language() or "en", patient.clinic.language]
    summary = selectors.patient_summary(patient, now(), languages)
    contacts = list(patient.contacts.order_by("pk"))
    return shown(request, patient, "overview", summary=summary, contacts=contacts)


@page(methods=READ)
def history(request: Any, pk: int) -> HttpResponse:
    """Show what happened, what is coming, and what did not happen and why."""
    patient = mine(request, pk)
    lines = timeline.timeline(patient, now(), limit=PARTS, before=_before(request))
    return shown(request, patient, "timeline", lines=lines, further="before" in request.GET)


def _before(request: Any) -> datetime | None:
    """Return the moment from which the page goes back; None for none, and for what is no moment."""
    try:
        found = parse_datetime(request.GET.get("before", "").replace(" ", "+"))
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


@page(methods=READ)
def coming(request: Any, pk: int) -> HttpResponse:
    """Show what is planned for the patient, each step with its buttons."""
    patient = mine(request, pk)
    steps = with_all(Step.objects.filter(patient=patient, state__in=Step.OPEN))
    lines = timeline.upcoming(patient, now(), limit=PARTS, kinds=("appointment", "delivery", "form"))
    return shown(request, patient, "upcoming", rows=rows_of(request, steps[:PARTS]), lines=lines)


@page(methods=READ)
def records(request: Any, pk: int) -> HttpResponse:
    """List the patient's appointments and forms."""
    patient = mine(request, pk)
    forms = FormRequest.objects.filter(patient=patient).select_related("template").order_by("-pk")
    visits = paged(request, appointments_of(patient.pk), LATELY * 2)
    return shown(request, patient, "records", paged=visits, forms=list(forms[: LATELY * 2]))


@page(methods=READ)
def treatment(request: Any, pk: int) -> HttpResponse:
    """Show plans and sessions, with the forms to log a session and to note pain for the patient."""
    patient = mine(request, pk)
    running = list(running_plans(patient.pk))
    exercises = list(current_exercises(running, timezone.localdate(now())))
    sessions = ExerciseSession.objects.filter(patient=patient, status=ExerciseSession.Status.DONE)
    return shown(
        request,
        patient,
        "treatment",
        plans=list(plans_of(patient.pk)[:LATELY]),
        care=selectors.care_of(patient, now()),
        sessions=list(sessions.select_related("plan", "exercise", "member").order_by("-done_at", "-pk")[:LATELY]),
        session_form=SessionForm(running, exercises) if running else None,
        pain_form=PainForm(),
    )


@page(methods=READ)
def access(request: Any, pk: int) -> HttpResponse:
    """Show segments, what the patient may use, what they want to be sent, and what was not sent lately and why."""
    patient = mine(request, pk)
    moment = now()
    standing = set(in_force(moment).filter(patient=patient).values_list("pk", flat=True))
    grants = list(FeatureGrant.objects.filter(patient=patient).order_by("-pk")[:LATELY])
    undone = timeline.suppressed(patient, moment, limit=LATELY)
    return shown(
        request,
        patient,
        "access",
        segments=list(segments_of(patient)),
        grants=[(one, one.pk in standing) for one in grants],
        grant_form=GrantForm(initial={"until_on": timezone.localdate(moment) + timedelta(days=90)}),
        channels=Channel.choices,
        ways=_ways(patient),
        undone=undone,
    )


def _ways(patient: Patient) -> list[tuple[Any, list[dict[str, Any]]]]:
    """Lay out the preferences: for each category a cell a channel, and since when the patient has said so."""
    wanted = preferences(patient)
    said = {(row.category, row.channel): row.said_at for row in consents_of(patient)}
    return [
        (
            label,
            [
                {
                    "name": f"{category}.{channel}",
                    "label": f"{label}, {channel_label}",
                    "granted": wanted[category, channel],
                    "said_at": said.get((category, channel)),
                    "opt_in": category in OPT_IN,
                }
                for channel, channel_label in Channel.choices
            ],
        )
        for category, label in Category.choices
    ]


urlpatterns = [
    path("staff/patients/<int:pk>/", overview, name="patient"),
    path("staff/patients/<int:pk>/timeline/", history, name="patient-timeline"),
    path("staff/patients/<int:pk>/upcoming/", coming, name="patient-upcoming"),
    path("staff/patients/<int:pk>/records/", records, name="patient-records"),
    path("staff/patients/<int:pk>/treatment/", treatment, name="patient-treatment"),
    path("staff/patients/<int:pk>/access/", access, name="patient-access"),
]
