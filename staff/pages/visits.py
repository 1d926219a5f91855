"""The calendar of visits, one visit, and what is done to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.guards import CARE, REASON_MAX
from accounts.selectors import local_date
from appointments import services
from appointments.lifecycle import OPEN
from appointments.models import Appointment
from clinic.api.fields import id_of
from clinic.clock import now
from staff.frame import attempt, attempt_form, back_to, own, page
from staff.visit_forms import ChangeForm
from staff.visit_lists import NOBODY, WEEK, Asked, calendar
from staff.visit_page import visit_page
from staff.visiting import BUTTONS, ENDING

ROWS = Appointment.objects.select_related("clinic", "patient", "service", "specialist", "series")


@page(methods=("GET", "HEAD"))
def visits(request: Any) -> HttpResponse:
    """Show the visits of a day by specialist, or of a week by day."""
    desk, moment = request.desk, now()
    today = local_date(desk.clinic, moment)
    asked = Asked.of(request, today)
    shown = calendar(desk, asked, moment)
    audit.listed("appointment", shown.visits, clinic_id=desk.clinic.pk)
    context = {
        "calendar": shown,
        "asked": asked,
        "week": asked.view == WEEK,
        "before": asked.day - asked.step,
        "after": asked.day + asked.step,
        "today": today,
        "nobody": NOBODY,
        "statuses": Appointment.Status.choices,
        "here": request.get_full_path(),
    }
    return render(request, "staff/visits/list.html", context)


@page(methods=("GET", "HEAD"))
def visit(request: Any, pk: int) -> HttpResponse:
    """Show one visit: its state and what leads on from it, its summary, its series, its history."""
    row = own(request, ROWS, pk=pk)
    audit.record("appointment.read", obj=row)
    context = {"page": visit_page(request.desk, row, now()), "visit": row, "here": request.path}
    return render(request, "staff/visits/visit.html", context)


@page(methods=("POST",))
def move_visit(request: Any, pk: int, verb: str) -> HttpResponse:
    """Take a visit one step along its life-cycle, or take the last step back."""
    row = own(request, ROWS, pk=pk)
    if verb == "undo":
        attempt(request, lambda: services.undo(row), _("Taken back."))
    elif verb in BUTTONS:
        button = BUTTONS[verb]
        extra = {"reason": request.POST.get("reason", "")[:REASON_MAX]} if button.asks_why else {}
        call: Callable[..., Any] = getattr(services, verb)
        attempt(request, lambda: call(row, **extra), _said(verb, row))
    else:
        raise Http404
    return redirect(back_to(request, reverse("staff:visit", args=[pk])))


def _said(verb: str, row: Appointment) -> str:
    """Say what was done, and how long it can be taken back."""
    done, seconds = str(BUTTONS[verb].done), row.clinic.undo_seconds
    if verb not in ENDING or not seconds:
        return done
    waits = ngettext(
        "What the patient is told waits %(n)d second; until then this can be undone.",
        "What the patient is told waits %(n)d seconds; until then this can be undone.",
        seconds,
    )
    return f"{done} {waits % {'n': seconds}}"


@page()
def change_visit(request: Any, pk: int) -> HttpResponse:
    """Give a visit another time, specialist, place or length."""
    row = own(request, ROWS, pk=pk)
    if row.status not in OPEN:
        messages.error(request, _("This visit is over; reopen it first."))
        return redirect("staff:visit", pk=pk)
    first = {name: getattr(row, name) for name in (*services.CHANGEABLE, "revision")}
    form = ChangeForm(request.POST or None, clinic=row.clinic, visit=row, initial=first)
    if request.method == "POST" and form.is_valid() and attempt_form(form, lambda: _change(row, form)):
        messages.success(request, _("Changed."))
        return redirect("staff:visit", pk=pk)
    if "clash_reason" in form.errors:
        form.ask_why()
    return render(request, "staff/visits/change.html", {"form": form, "visit": row})


def _change(row: Appointment, form: ChangeForm) -> None:
    given = form.cleaned_data
    values = {name: given[name] for name in ("starts_at", "minutes", "specialist", "service")} | form.place()
    services.change(row, revision=given["revision"], clash_reason=given["clash_reason"], **values)


SUMMARY_ROLES = CARE


@page(*SUMMARY_ROLES, methods=("POST",))
def write_summary(request: Any, pk: int) -> HttpResponse:
    """Keep the draft of a visit's summary, and release it to the patient if that was the button."""
    row = own(request, ROWS, pk=pk)
    seen = id_of(request.POST.get("revision"))
    kept = attempt(
        request, lambda: services.write_summary(row, text=request.POST.get("text", ""), revision=seen), _("Kept.")
    )
    if kept and "release" in request.POST:
        attempt(request, lambda: services.release_summary(row), _("Released; the patient may read it."))
    return redirect(reverse("staff:visit", args=[pk]) + "#summary")


urlpatterns = [
    path("staff/visits/", visits, name="visits"),
    path("staff/visits/<int:pk>/", visit, name="visit"),
    path("staff/visits/<int:pk>/change/", change_visit, name="visit-change"),
    path("staff/visits/<int:pk>/summary/", write_summary, name="visit-summary"),
    path("staff/visits/<int:pk>/do/<slug:verb>/", move_visit, name="visit-move"),
]
