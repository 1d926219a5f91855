"""In and out: asking for a link, the link itself, choosing among a family, signing out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.actor import acting_as
from accounts.middleware import client_ip
from clinic.changes import origin
from clinic.languages import spoken
from clinic.pages import guarded
from portal import signing_in
from portal.frame import as_patient, forget, keep, session_of, show
from portal.readers import readers_of


class AskForm(forms.Form):
    """The address to which a link shall go."""

    email = forms.EmailField(label=_("Your email address"), max_length=254)


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
def ask(request: Any) -> HttpResponse:
    """Ask for the address and send a link there, if it is a patient's; the answer is the same for every address."""
    form = AskForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with acting_as(as_patient(request, None, None)), origin("system"):
            signing_in.ask(form.cleaned_data["email"], client_ip(request))
        return guarded(show(request, "asked"))
    return guarded(show(request, "ask", {"form": form}, status=422 if form.errors else 200))


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("token")
def enter(request: Any, token: str) -> HttpResponse:
    """Show a button, for mail scanners follow links; pressing it spends the link and signs in."""
    link = signing_in.find_link(token)
    if link is None:
        return guarded(show(request, "link_over", status=410))
    with translation.override(spoken(link.clinic.language)):
        if request.method != "POST":
            return guarded(show(request, "enter", {"clinic": link.clinic}))
        with acting_as(as_patient(request, link.clinic_id, None)), origin("system"):
            signed_in = signing_in.sign_in(link)
    if signed_in is None:
        return guarded(show(request, "link_over", status=410))
    session, secret = signed_in
    before = session_of(request)
    if before is not None:
        _end(request, before)
    return guarded(keep(redirect("portal:home" if session.patient_id else "portal:choose"), secret))


@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: Any) -> HttpResponse:
    """Let a family say whose pages to open."""
    session = session_of(request)
    if session is None:
        return guarded(redirect("portal:sign-in"))
    with acting_as(as_patient(request, session.clinic_id, session.patient_id)), origin("system"):
        posted = request.POST.get("patient", "")
        if request.method == "POST" and posted.isdecimal() and len(posted) < 19:
            if signing_in.choose(session, int(posted)):
                return guarded(redirect("portal:home"))
            return guarded(show(request, "nothing", {"clinic": session.clinic}, status=404))
        readers = readers_of(session.email, session.clinic_id)
    with translation.override(spoken(session.clinic.language)):
        return guarded(show(request, "choose", {"clinic": session.clinic, "readers": readers}))


@require_http_methods(["POST"])
def leave(request: Any) -> HttpResponse:
    """Sign out."""
    session = session_of(request)
    if session is not None:
        _end(request, session)
    return guarded(forget(redirect("portal:sign-in")))


def _end(request: Any, session: Any) -> None:
    with acting_as(as_patient(request, session.clinic_id, session.patient_id)), origin("system"):
        signing_in.sign_out(session)


urlpatterns = [
    path("sign-in/", ask, name="sign-in"),
    path("in/<str:token>/", enter, name="enter"),
    path("choose/", choose, name="choose"),
    path("sign-out/", leave, name="sign-out"),
]
