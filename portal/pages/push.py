"""Turning the notifications of this phone on and off (the button stands below the messages)."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path

from messaging.push_views import turn_off, turn_on
from portal.frame import page


@page(methods=("POST",))
def push_on(request: Any) -> HttpResponse:
    """Tell this browser of what the patient is told."""
    return turn_on(request, [request.reader.patient])


@page(methods=("POST",))
def push_off(request: Any) -> HttpResponse:
    """Tell this browser nothing any more; from the plain form: none of the patient's browsers."""
    return turn_off(request, [request.reader.patient]) or redirect("portal:notes")


urlpatterns = [path("push/on/", push_on, name="push-on"), path("push/off/", push_off, name="push-off")]
