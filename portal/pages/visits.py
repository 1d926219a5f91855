"""Visits that are ahead, those that were, and the summaries that were released."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.urls import path

from accounts import audit
from clinic.clock import now
from forms_app.pages import moment_words
from portal import selectors
from portal.frame import page, show
from portal.words import appointment_words, visit_words

A_PAGE = 20


@page()
def visits(request: Any) -> HttpResponse:
    """List the visits."""
    patient, moment = request.reader.patient, now()
    rows = Paginator(selectors.past(patient, moment), A_PAGE).get_page(request.GET.get("page"))
    context = {
        "coming": [visit_words(one, patient) for one in selectors.coming(patient, moment)],
        "past": [appointment_words(one, patient) | {"summary": selectors.is_released(one)} for one in rows],
        "rows": rows,
    }
    return show(request, "visits", context)


@page()
def summary(request: Any, pk: int) -> HttpResponse:
    """Show what the specialist wrote about a visit, once it was released."""
    found = selectors.summary_of(request.reader.patient, pk)
    if found is None:
        return show(request, "nothing", status=404)
    audit.record("visit_summary.read", obj=found)
    patient = request.reader.patient
    context = {
        "summary": found,
        "visit": appointment_words(found.appointment, patient),
        "released": moment_words(found.released_at, patient),
    }
    return show(request, "summary", context)


urlpatterns = [
    path("visits/", visits, name="visits"),
    path("visits/<int:pk>/summary/", summary, name="summary"),
]
