"""Book a visit or a series: find the patient, see what stands in the way, choose the time."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import ngettext

from accounts import audit
from appointments import services
from appointments.models import Appointment
from clinic.api.fields import id_of
from forms_app.selectors import blocking_forms
from patients.models import Patient
from staff.choosing import find_patients
from staff.frame import attempt_form, own, page
from staff.visit_forms import BookForm

FOUND_MAX = 20


@page()
def new_visit(request: Any) -> HttpResponse:
    """Book a visit for the patient whom the address or the form names; none named: find one first."""
    named = id_of(request.POST.get("patient") or request.GET.get("patient"))
    if named is None:
        return _find(request)
    patient = own(request, Patient.objects.select_related("clinic", "specialist"), pk=named)
    blocking = list(blocking_forms(patient.pk))
    form = BookForm(
        request.POST or None, clinic=patient.clinic, blocked=bool(blocking), initial=_first(request, patient)
    )
    if request.method == "POST" and form.is_valid():
        booked: list[Appointment] = []
        if attempt_form(form, lambda: booked.append(_book(patient, form))):
            messages.success(request, _said(form))
            return redirect("staff:visit", pk=booked[0].pk)
    if "clash_reason" in form.errors:
        form.ask_why()
    audit.record("patient.booking_opened", obj=patient)
    context = {"form": form, "patient": patient, "blocking": blocking, "here": request.get_full_path()}
    return render(request, "staff/visits/new.html", context)


def _first(request: Any, patient: Patient) -> dict[str, Any]:
    """Fill in what the address names, and the patient's own specialist."""
    given = request.GET
    return {
        "specialist": given.get("specialist") or patient.specialist_id,
        "service": given.get("service"),
        "starts_at": given.get("starts_at"),
    }


def _book(patient: Patient, form: BookForm) -> Appointment:
    given = form.cleaned_data
    values = form.place() | {
        "clinic": patient.clinic,
        "patient": patient,
        "service": given["service"],
        "specialist": given["specialist"],
        "minutes": given["minutes"],
        "override_reason": given.get("override_reason", ""),
        "clash_reason": given["clash_reason"],
    }
    if not form.is_series:
        return services.book(starts_at=given["starts_at"], **values)
    series = services.book_series(starts=form.starts(), name=given["name"], **values)
    return series.appointments.order_by("series_position")[0]


def _said(form: BookForm) -> str:
    number = len(form.starts())
    return ngettext("Booked.", "%(n)d visits are booked.", number) % {"n": number}


def _find(request: Any) -> HttpResponse:
    """Show the patients whom the typed words fit, each leading on to the booking."""
    text = request.GET.get("q", "").strip()
    found = find_patients(request.desk.clinic, text, FOUND_MAX)
    kept = {name: request.GET[name] for name in ("specialist", "starts_at", "service") if request.GET.get(name)}
    return render(request, "staff/visits/find.html", {"found": found, "text": text, "kept": kept})


urlpatterns = [path("staff/visits/new/", new_visit, name="visit-new")]
