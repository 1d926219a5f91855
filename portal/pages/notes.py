"""What the clinic told the patient inside the platform."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse

from forms_app.pages import moment_words
from messaging.models import Notification
from messaging.services import mark_read
from messaging.subscriptions import switch
from portal import selectors
from portal.frame import page, show

A_PAGE = 20
PUSH = {"on": "portal:push-on", "off": "portal:push-off", "scope": "portal:home"}
LEADS = {"appointment": "portal:visits", "form": "portal:forms"}
"""Where a notification leads, by what it is about; what is for staff alone leads nowhere."""


@page()
def notes(request: Any) -> HttpResponse:
    """List what was told, newest first; looking marks nothing as read."""
    patient = request.reader.patient
    rows = Paginator(selectors.told(patient), A_PAGE).get_page(request.GET.get("page"))
    shown = [_words(one, patient) for one in rows]
    return show(
        request,
        "notes",
        {
            "notes": shown,
            "rows": rows,
            "unread": any(one["is_new"] for one in shown),
            "push": switch([patient], **{name: reverse(address) for name, address in PUSH.items()}),
        },
    )


def _words(note: Notification, patient: Any) -> dict[str, Any]:
    leads = LEADS.get(note.link_kind)
    return {
        "pk": note.pk,
        "title": note.title,
        "body": note.body,
        "when": moment_words(note.visible_at, patient),
        "is_new": note.read_at is None,
        "link": reverse(leads) if leads else "",
    }


@page(methods=("POST",))
def read(request: Any) -> HttpResponse:
    """Mark as read what the page showed."""
    patient = request.reader.patient
    posted = [int(one) for one in request.POST.getlist("note")[:A_PAGE] if one.isdecimal() and len(one) < 19]
    own = selectors.told(patient).filter(pk__in=posted).values_list("pk", flat=True)
    mark_read(notification_ids=list(own), patient=patient)
    return redirect("portal:notes")


urlpatterns = [path("messages/", notes, name="notes"), path("messages/read/", read, name="read-notes")]
