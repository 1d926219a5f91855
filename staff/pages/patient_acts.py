"""What staff do on a patient's page: stop automations, note what the patient says, grant and revoke."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from accounts.models import Pause
from accounts.services import end_pause, pause
from clinic.clock import now
from clinic.errors import ClinicError
from patients import services
from patients.categories import Category, Channel
from patients.consents import preferences
from staff.frame import attempt, back_to, page
from staff.pages.patient_forms import GrantForm, PainForm, SessionForm
from staff.pages.patients import mine
from treatments.selectors import current_exercises, running_plans
from treatments.services import log_session, record_pain

POST = ("POST",)


def _done(request: HttpRequest, tab: str, pk: int) -> HttpResponse:
    return redirect(back_to(request, reverse(f"staff:{tab}", args=[pk])))


def _attempt_filled(request: HttpRequest, form: Form, call: Callable[[], Any], said: str) -> None:
    """Do what a small form asks and say so; what is wrong with it is said with the field's name."""
    if form.is_valid():
        attempt(request, call, said)
        return
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        said_wrong = " ".join(str(error) for error in errors)
        messages.error(request, f"{label}: {said_wrong}" if label else said_wrong)


@page(methods=POST)
def stop(request: Any, pk: int) -> HttpResponse:
    """Execute and send nothing for the patient until somebody lets it go on."""
    patient = mine(request, pk)
    why = request.POST.get("why", "")
    call = lambda: pause(clinic=patient.clinic, scope=Pause.Scope.PATIENT, target=patient, why=why)  # noqa: E731
    attempt(request, call, _("Automations are stopped for this patient."))
    return _done(request, "patient-upcoming", pk)


@page(methods=POST)
def go_on(request: Any, pk: int) -> HttpResponse:
    """Let what waits for the patient go on."""
    patient = mine(request, pk)
    standing = Pause.objects.filter(clinic=patient.clinic, scope=Pause.Scope.PATIENT, target_id=pk, ended_at=None)
    for one in standing:
        attempt(request, lambda one=one: end_pause(one), _("Automations go on for this patient."))  # type: ignore[misc]
    return _done(request, "patient-upcoming", pk)


@page(methods=POST)
def deceased(request: Any, pk: int) -> HttpResponse:
    """Note the day of death."""
    patient = mine(request, pk)

    def note() -> None:
        try:
            day = parse_date(request.POST.get("on", ""))
        except ValueError:
            day = None
        if day is None:
            raise ClinicError(_("Give the day."), path="on")
        services.mark_deceased(patient, on=day)

    attempt(request, note, _("Saved."))
    return _done(request, "patient", pk)


@page(methods=POST)
def grant(request: Any, pk: int) -> HttpResponse:
    """Let the patient use a feature."""
    patient = mine(request, pk)
    form = GrantForm(request.POST)
    call = lambda: services.grant_access(patient, feature=form.cleaned_data["feature"], until=form.until)  # noqa: E731
    _attempt_filled(request, form, call, _("Granted."))
    return _done(request, "patient-access", pk)


@page(methods=POST)
def revoke(request: Any, pk: int) -> HttpResponse:
    """Take a feature back."""
    patient = mine(request, pk)
    feature = request.POST.get("feature", "")
    attempt(request, lambda: services.revoke_access(patient, feature=feature), _("Revoked."))
    return _done(request, "patient-access", pk)


@page(methods=POST)
def consents(request: Any, pk: int) -> HttpResponse:
    """Note what the patient wants to be sent: the ways whose box differs from what holds."""
    patient = mine(request, pk)
    held = preferences(patient)
    ways = [(category, channel) for category in Category.values for channel in Channel.values]
    seen = set(request.POST.getlist("seen"))
    ticked = set(request.POST.getlist("wanted"))
    changed = [
        {"category": category, "channel": channel, "granted": f"{category}.{channel}" in ticked}
        for category, channel in ways
        if f"{category}.{channel}" in seen and (f"{category}.{channel}" in ticked) != held[category, channel]
    ]
    attempt(request, lambda: services.set_consents(patient, changed), _("Saved."))
    return _done(request, "patient-access", pk)


@page(methods=POST)
def session(request: Any, pk: int) -> HttpResponse:
    """Log a session that the patient tells of."""
    patient = mine(request, pk)
    running = list(running_plans(patient.pk))
    form = SessionForm(running, list(current_exercises(running, timezone.localdate(now()))), request.POST)
    _attempt_filled(request, form, lambda: log_session(**form.session), _("The session is logged."))
    return _done(request, "patient-treatment", pk)


@page(methods=POST)
def pain(request: Any, pk: int) -> HttpResponse:
    """Note how much pain the patient tells of."""
    patient = mine(request, pk)
    form = PainForm(request.POST)
    call = lambda: record_pain(clinic=patient.clinic, patient=patient, **form.cleaned_data)  # noqa: E731
    _attempt_filled(request, form, call, _("The pain is noted."))
    return _done(request, "patient-treatment", pk)


urlpatterns = [
    path("staff/patients/<int:pk>/stop/", stop, name="patient-stop"),
    path("staff/patients/<int:pk>/go-on/", go_on, name="patient-go-on"),
    path("staff/patients/<int:pk>/deceased/", deceased, name="patient-deceased"),
    path("staff/patients/<int:pk>/grant/", grant, name="patient-grant"),
    path("staff/patients/<int:pk>/revoke/", revoke, name="patient-revoke"),
    path("staff/patients/<int:pk>/consents/", consents, name="patient-consents"),
    path("staff/patients/<int:pk>/session/", session, name="patient-session"),
    path("staff/patients/<int:pk>/pain/", pain, name="patient-pain"),
]
