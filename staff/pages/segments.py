"""Segments: how many they hold, who is in them and since when, why (not), and which rules name them.

Their conditions are built in the administration, where the rule editor's own inputs are.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from accounts import audit
from accounts.permissions import Role
from automations.references import rules_naming
from automations.showing.trace import verdict_lines
from clinic.api.fields import id_of
from patients.models import Patient
from segments import selectors, services
from segments.explaining import why
from segments.models import Segment
from segments.words import many_in_words
from staff.choosing import find_patients
from staff.frame import attempt, own, page, paged

READ = ("GET", "HEAD")


def rows() -> Any:
    """Return segments with their clinic."""
    return Segment.objects.select_related("clinic")


@page(methods=READ)
def listed(request: Any) -> HttpResponse:
    """List the segments with who is in each, and how many."""
    clinic = request.desk.clinic
    shown = paged(request, selectors.counted(clinic))
    said = many_in_words(shown.rows, clinic.pk)
    lines = [(segment, said.get(segment.pk, "")) for segment in shown.rows]
    builds = request.desk.role == Role.CLINIC_ADMIN
    return render(request, "staff/segments/list.html", {"paged": shown, "lines": lines, "builds": builds})


@page(methods=READ)
def detail(request: Any, pk: int) -> HttpResponse:
    """Show who is in a segment, or who left it, and what uses it."""
    segment = own(request, rows(), pk=pk)
    inside = request.GET.get("show") != "left"
    shown = paged(request, selectors.crossings(segment, inside=inside))
    audit.record("segment.read", obj=segment)
    audit.listed("membership", shown.rows, clinic_id=segment.clinic_id)
    context = {
        "segment": segment,
        "who": many_in_words([segment], segment.clinic_id).get(segment.pk, ""),
        "count": selectors.members(segment).count(),
        "paged": shown,
        "inside": inside,
        "by_hand": not segment.is_dynamic and segment.archived_at is None,
        "settling": segment.is_dynamic and segment.built_version != segment.version and not segment.archived_at,
        "used": rules_naming(segment),
        "builds": request.desk.role == Role.CLINIC_ADMIN,
    }
    return render(request, "staff/segments/segment.html", context)


@page(methods=READ)
def ask(request: Any, pk: int) -> HttpResponse:
    """Say why a patient is, or is not, in the segment: first who, then why."""
    segment = own(request, rows(), pk=pk)
    asked = request.GET.get("q", "")
    context: dict[str, Any] = {"segment": segment, "asked": asked}
    chosen = id_of(request.GET.get("patient"))
    if chosen is not None:
        patient = own(request, Patient.objects.select_related("clinic"), pk=chosen, clinic=segment.clinic_id)
        found = why(segment, patient)
        zone = segment.clinic.time_zone
        lines = verdict_lines(found.verdict.as_json(), found.names, zone) if found.verdict else []
        context |= {"why": found, "patient": patient, "lines": lines}
    else:
        context["found"] = find_patients(segment.clinic, asked, everybody=True)
    return render(request, "staff/segments/why.html", context)


@page()
def add(request: Any, pk: int) -> HttpResponse:
    """Put a patient into a manual segment: first who."""
    segment = own(request, rows(), pk=pk)
    asked = request.GET.get("q", "")
    if request.method == "POST":
        patient = _patient(request, segment)
        attempt(request, lambda: services.add_member(segment, patient), _("%s is in it now.") % patient)
        return redirect("staff:segment", pk=segment.pk)
    context = {"segment": segment, "asked": asked, "found": find_patients(segment.clinic, asked)}
    return render(request, "staff/segments/add.html", context)


@page(methods=("POST",))
def remove(request: Any, pk: int) -> HttpResponse:
    """Take a patient out of a manual segment."""
    segment = own(request, rows(), pk=pk)
    patient = _patient(request, segment)
    attempt(request, lambda: services.remove_member(segment, patient), _("%s is in it no longer.") % patient)
    return redirect("staff:segment", pk=segment.pk)


def _patient(request: Any, segment: Segment) -> Patient:
    known = id_of(request.POST.get("patient"))
    found: Patient = own(request, Patient.objects, pk=known, clinic=segment.clinic_id)
    return found


urlpatterns = [
    path("staff/segments/", listed, name="segments"),
    path("staff/segments/<int:pk>/", detail, name="segment"),
    path("staff/segments/<int:pk>/why/", ask, name="segment-why"),
    path("staff/segments/<int:pk>/add/", add, name="segment-add"),
    path("staff/segments/<int:pk>/remove/", remove, name="segment-remove"),
]
