"""The first page: the next visit, what is to be done, and what is new."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import path

from clinic.clock import now
from forms_app.selectors import open_requests
from portal import selectors
from portal.frame import page, show
from portal.words import visit_words


@page()
def home(request: Any) -> HttpResponse:
    """Show the next visit with a button to join it, open forms, today's exercises and new notifications."""
    patient, moment = request.reader.patient, now()
    visits = selectors.coming(patient, moment)
    context = {
        "visit": visit_words(visits[0], patient) if visits else None,
        "forms": len(open_requests(patient.pk)),
        "todos": selectors.todos(patient),
        "news": selectors.told(patient).filter(read_at=None).count(),
    }
    return show(request, "home", context)


urlpatterns = [path("", home, name="home")]
