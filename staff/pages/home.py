"""The first page, the clinic that one is at, a patient's summary, and what is done from the first page's lists."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import audit
from automations import interventions
from automations.models import Step
from clinic.clock import now
from messaging.models import Delivery, Notification
from messaging.services import mark_read, retry_failed
from patients.models import Patient
from staff import selectors
from staff.frame import attempt, back_to, move, own, page, sit


@page(methods=("GET", "HEAD"))
def home(request: Any) -> HttpResponse:
    """Show the day of the signed-in person at the clinic where they are: visits, tasks, drafts, what went wrong."""
    board = selectors.board_of(request.desk, now())
    audit.record("home.read", clinic_id=request.desk.clinic.pk, detail={"patients": board.patients})
    shown = {"board": board, "name": request.desk.membership.name, "here": request.get_full_path()}
    return render(request, "staff/home.html", shown)


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
    return render(request, "staff/patient_summary.html", {"summary": summary, "patient": patient, "tab": "overview"})


@page(methods=("POST",))
def read_notification(request: Any, pk: int) -> HttpResponse:
    """Mark one's own notification as read."""
    own(request, Notification.objects.all(), pk=pk)
    for member in request.desk.memberships:
        mark_read(notification_ids=[pk], recipient=member)
    return redirect(back_to(request, reverse("staff:home")))


DRAFT_VERBS: dict[str, tuple[Any, Any]] = {
    "approve": (interventions.release, _("Approved.")),
    "skip": (interventions.skip, _("Skipped.")),
}


@page(methods=("POST",))
def move_draft(request: Any, pk: int, verb: str) -> HttpResponse:
    """Approve what a rule in review planned, or skip it."""
    return move(request, own(request, Step.objects.all(), pk=pk), DRAFT_VERBS, verb, reverse("staff:home"))


@page(methods=("POST",))
def retry_message(request: Any, pk: int) -> HttpResponse:
    """Try a message again that failed or of which nobody knows."""
    delivery = own(request, Delivery.objects.all(), pk=pk)
    attempt(request, lambda: retry_failed(delivery), _("It is tried again."))
    return redirect(back_to(request, reverse("staff:home")))


urlpatterns = [
    path("staff/", home, name="home"),
    path("staff/desk/", change_desk, name="desk"),
    path("staff/patients/<int:pk>/summary/", patient_summary, name="patient-summary"),
    path("staff/notifications/<int:pk>/read/", read_notification, name="notification-read"),
    path("staff/home/drafts/<int:pk>/<slug:verb>/", move_draft, name="draft-move"),
    path("staff/home/messages/<int:pk>/retry/", retry_message, name="message-retry"),
]
