"""Turning the notifications of one's own browser on and off (the button stands on the list behind the bell)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _

from messaging.push_views import turn_off, turn_on
from staff.frame import page


@page(methods=("POST",))
def push_on(request: Any) -> HttpResponse:
    """Tell this browser of what the person is told, at every clinic of theirs."""
    return turn_on(request, request.desk.memberships)


@page(methods=("POST",))
def push_off(request: Any) -> HttpResponse:
    """Tell this browser nothing any more; from the plain form: none of the person's browsers."""
    answer = turn_off(request, request.desk.memberships)
    if answer is None:
        messages.success(request, _("No browser of yours is told any more."))
        return redirect("staff:notifications")
    return answer


urlpatterns = [
    path("staff/push/on/", push_on, name="push-on"),
    path("staff/push/off/", push_off, name="push-off"),
]
