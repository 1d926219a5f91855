"""The staff's own pages."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.permissions import active_memberships, allowed
from clinic.clock import now
from clinic.errors import ClinicError
from messaging.services import mark_read
from patients.models import Patient
from staff import selectors
from worklist import services as worklist
from worklist.models import Task


@never_cache
@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the signed-in person's unread notifications and open tasks."""
    memberships = list(active_memberships(request.user))
    audit.record("home.read")
    name = memberships[0].name if memberships else request.user.get_username()
    return render(request, "staff/home.html", {"desks": selectors.desks(memberships, now()), "name": name})


@never_cache
@login_required
@require_safe
def patient_summary(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the patient's summary to the staff of the patient's clinic; that it was read is recorded."""
    patient = Patient.objects.select_related("clinic", "specialist").filter(pk=pk).first()
    if patient is None or not allowed(patient.clinic_id):
        raise Http404
    languages = [get_language() or "en", patient.clinic.language]
    summary = selectors.patient_summary(patient, now(), languages)
    audit.record("patient.summary_read", obj=patient)
    with timezone.override(ZoneInfo(patient.clinic.time_zone)):
        return render(request, "staff/patient_summary.html", {"summary": summary, "patient": patient})


@login_required
@require_POST
def read_notification(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one's own notification as read."""
    for member in active_memberships(request.user):
        mark_read(notification_ids=[pk], recipient=member)
    return redirect("staff:home")


VERBS = {"claim": worklist.claim, "done": worklist.complete}


@login_required
@require_POST
def move_task(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Claim a task, or note that it is done."""
    task = Task.objects.filter(pk=pk).first()
    if task is None or verb not in VERBS or not allowed(task.clinic_id):
        raise Http404
    try:
        VERBS[verb](task)
    except ClinicError as error:
        messages.error(request, error.message)
    return redirect("staff:home")
