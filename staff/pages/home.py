"""The first page, the clinic that one is at, a patient's summary, and what is done from the lists of both."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import get_language

from accounts import audit
from clinic.clock import now
from messaging.models import Notification
from messaging.services import mark_read
from patients.models import Patient
from staff import selectors
from staff.frame import attempt, back_to, own, page, sit
from worklist import services as worklist
from worklist.models import Task


@page(methods=("GET", "HEAD"))
def home(request: Any) -> HttpResponse:
    """Show the signed-in person's unread notifications and open tasks at the clinic where they are."""
    audit.record("home.read", clinic_id=request.desk.clinic.pk)
    board = selectors.board_of(request.desk.here, now())
    return render(request, "staff/home.html", {"board": board, "name": request.desk.membership.name})


@page(methods=("POST",))
def change_desk(request: Any) -> HttpResponse:
    """Move to another clinic or role of one's own."""
    chosen = request.POST.get("membership")
    there = next((one for one in request.desk.memberships if str(one.pk) == chosen), None)
    if there is None:
        raise Http404
    sit(request, there)
    return redirect("staff:home")


@page(methods=("GET", "HEAD"))
def patient_summary(request: Any, pk: int) -> HttpResponse:
    """Show the patient's summary to the staff of the patient's clinic; that it was read is recorded."""
    patient = own(request, Patient.objects.select_related("clinic", "specialist"), pk=pk)
    languages = [get_language() or "en", patient.clinic.language]
    summary = selectors.patient_summary(patient, now(), languages)
    audit.record("patient.summary_read", obj=patient)
    return render(request, "staff/patient_summary.html", {"summary": summary, "patient": patient})


@page(methods=("POST",))
def read_notification(request: Any, pk: int) -> HttpResponse:
    """Mark one's own notification as read."""
    own(request, Notification.objects.all(), pk=pk)
    for member in request.desk.memberships:
        mark_read(notification_ids=[pk], recipient=member)
    return redirect(back_to(request, reverse("staff:home")))


VERBS = {"claim": worklist.claim, "done": worklist.complete}


@page(methods=("POST",))
def move_task(request: Any, pk: int, verb: str) -> HttpResponse:
    """Claim a task, or note that it is done."""
    task = own(request, Task.objects.all(), pk=pk)
    if verb not in VERBS:
        raise Http404
    attempt(request, lambda: VERBS[verb](task))
    return redirect(back_to(request, reverse("staff:home")))


urlpatterns = [
    path("staff/", home, name="home"),
    path("staff/desk/", change_desk, name="desk"),
    path("staff/patients/<int:pk>/summary/", patient_summary, name="patient-summary"),
    path("staff/notifications/<int:pk>/read/", read_notification, name="notification-read"),
    path("staff/tasks/<int:pk>/<slug:verb>/", move_task, name="task-move"),
]
