"""Messages that left, wait or did not leave: the list with reasons in words, one with its text, again or back."""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp, csp_update
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_sameorigin

from accounts import audit
from automations.models import Rule
from clinic.api.fields import id_of
from messaging import interventions, reasons, services
from messaging.models import Delivery
from messaging.redacting import without_marks
from messaging.text import is_right_to_left
from patients.categories import Channel
from patients.models import Patient
from staff.frame import attempt, back_to, own, page, paged

READ = ("GET", "HEAD")
State = Delivery.State
FILTERS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "": (_("all"), ()),
    "waiting": (_("waiting"), (*Delivery.WAITING, State.SENDING)),
    "sent": (_("sent"), (State.SENT,)),
    "trouble": (_("failed or unknown"), (State.FAILED, State.UNKNOWN)),
    "kept": (_("not sent, and why"), (State.SUPPRESSED, State.WITHDRAWN)),
}
LOOKS: dict[str, str] = {
    State.SENT: "success",
    State.FAILED: "danger",
    State.UNKNOWN: "warning",
    State.SUPPRESSED: "secondary",
    State.WITHDRAWN: "secondary",
}
WAYS = dict(Channel.choices)
UNREAD = ("body_text", "body_html", "context", "source_step__config", "source_step__result", "source_step__rule__draft")
MAIL_POLICY: dict[str, Any] = {
    "default-src": [NONE],
    "style-src-attr": [UNSAFE_INLINE],  # a mail has its looks in attributes, and nothing else
    "img-src": ["data:"],
    "form-action": [NONE],
    "base-uri": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": True,
}
"""The message's HTML in a frame: it runs nothing, loads nothing and leads nowhere."""


def rows() -> Any:
    """Return deliveries with all that a line of one names."""
    return Delivery.objects.select_related(
        "clinic", "patient", "contact", "recipient", "template", "source_step__rule", "source_step__run"
    )


def look(delivery: Delivery) -> dict[str, Any]:
    """Return what a page says of a delivery beside its own fields."""
    return {
        "row": delivery,
        "to": delivery.recipient or delivery.contact or delivery.patient,
        "what": delivery.called,
        "way": WAYS.get(delivery.channel, delivery.channel),
        "why": reasons.words(delivery.reason) if delivery.reason else "",
        "rule": delivery.source_step.rule if delivery.source_step else None,
        "at": delivery.finished_at or delivery.not_before,
        "colour": LOOKS.get(delivery.state, "info"),
        "again": interventions.is_retriable(delivery),
        "back": interventions.is_waiting(delivery),
    }


@page(methods=READ)
def listed(request: Any) -> HttpResponse:
    """List the clinic's deliveries, newest first; by state, patient and rule, if asked."""
    clinic = request.desk.clinic
    state = request.GET.get("state", "")
    state = state if state in FILTERS else ""
    found = rows().filter(clinic=clinic).defer(*UNREAD).order_by("-pk")
    if FILTERS[state][1]:
        found = found.filter(state__in=FILTERS[state][1])
    patient = _named(Patient, clinic, request.GET.get("patient"))
    rule = _named(Rule, clinic, request.GET.get("rule"))
    if patient is not None:
        found = found.filter(patient=patient)
    if rule is not None:
        found = found.filter(source_step__rule=rule)
    shown = paged(request, found)
    audit.listed("delivery", shown.rows, clinic_id=clinic.pk)
    context = {
        "paged": shown,
        "lines": [look(delivery) for delivery in shown.rows],
        "filters": [(key, label) for key, (label, _states) in FILTERS.items()],
        "state": state,
        "patient": patient,
        "rule": rule,
        "rules": Rule.objects.for_clinic(clinic).order_by("name").only("pk", "name"),
    }
    return render(request, "staff/messages/list.html", context)


def _named(model: Any, clinic: Any, text: str | None) -> Any:
    """Return the clinic's row that a filter names; one that is none filters nothing."""
    pk = id_of(text)
    return None if pk is None else model.objects.for_clinic(clinic).filter(pk=pk).first()


@csp_update({"frame-src": [SELF]})
@page(methods=READ)
def detail(request: Any, pk: int) -> HttpResponse:
    """Show a delivery: to whom, in which state and why, each attempt, and the text that was sent."""
    delivery = own(request, rows(), pk=pk)
    audit.record("delivery.read", obj=delivery)
    context = look(delivery) | {
        "attempts": list(delivery.attempt_log.order_by("number")),
        "text": without_marks(delivery.body_text),
        "direction": "rtl" if is_right_to_left(delivery.language) else "ltr",
    }
    return render(request, "staff/messages/message.html", context)


@csp(MAIL_POLICY)
@xframe_options_sameorigin
@page(methods=READ)
def as_html(request: Any, pk: int) -> HttpResponse:
    """Give the HTML that was sent, for the frame on its page."""
    delivery = own(request, Delivery.objects.all(), pk=pk)
    if not delivery.body_html:
        raise Http404
    audit.record("delivery.read", obj=delivery, detail={"part": "html"})
    return HttpResponse(without_marks(delivery.body_html))


@page(methods=("POST",))
def retry(request: Any, pk: int) -> HttpResponse:
    """Queue a delivery that did not arrive once more."""
    delivery = own(request, rows(), pk=pk)
    attempt(request, lambda: services.retry_failed(delivery), _("It is queued again."))
    return redirect(back_to(request, reverse("staff:message", args=[pk])))


@page(methods=("POST",))
def take_back(request: Any, pk: int) -> HttpResponse:
    """Take a waiting delivery back."""
    delivery = own(request, rows(), pk=pk)
    attempt(request, lambda: interventions.take_back(delivery), _("Taken back: it will not leave."))
    return redirect(back_to(request, reverse("staff:message", args=[pk])))


urlpatterns = [
    path("staff/messages/", listed, name="messages"),
    path("staff/messages/<int:pk>/", detail, name="message"),
    path("staff/messages/<int:pk>/html/", as_html, name="message-html"),
    path("staff/messages/<int:pk>/again/", retry, name="message-again"),
    path("staff/messages/<int:pk>/take-back/", take_back, name="message-take-back"),
]
