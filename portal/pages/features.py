"""What has to be unlocked: the library and telerehabilitation. Each page looks at the grants when it is opened."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import path

from accounts import audit
from clinic.clock import now
from patients.grants import has_access
from patients.library import items_for
from patients.models import Feature
from portal import selectors
from portal.frame import page, show
from portal.words import visit_words


@page()
def library(request: Any) -> HttpResponse:
    """List what the clinic's library has for the patient."""
    patient = request.reader.patient
    if not has_access(patient, Feature.LIBRARY):
        return show(request, "locked", {"feature": Feature.LIBRARY.label}, status=403)
    return show(request, "library", {"items": items_for(patient)})


@page()
def item(request: Any, slug: str) -> HttpResponse:
    """Show one item of the library."""
    patient = request.reader.patient
    if not has_access(patient, Feature.LIBRARY):
        return show(request, "locked", {"feature": Feature.LIBRARY.label}, status=403)
    found = items_for(patient).filter(slug=slug).first()
    if found is None:
        return show(request, "nothing", status=404)
    audit.record("library_item.read", obj=found, patient_id=patient.pk)
    return show(request, "item", {"item": found})


@page()
def telerehab(request: Any) -> HttpResponse:
    """Show exercises with their instructions, and the visits by video that are ahead."""
    patient = request.reader.patient
    if not has_access(patient, Feature.TELEREHAB):
        return show(request, "locked", {"feature": Feature.TELEREHAB.label}, status=403)
    visits = [one for one in selectors.coming(patient, now()) if one.row.join_url]
    context = {"todos": selectors.todos(patient), "visits": [visit_words(one, patient) for one in visits]}
    return show(request, "telerehab", context)


urlpatterns = [
    path("library/", library, name="library"),
    path("library/<slug:slug>/", item, name="item"),
    path("telerehab/", telerehab, name="telerehab"),
]
