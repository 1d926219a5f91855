"""The way in through a link: who may pass, opening it by POST, and the words for a link that opens nothing.

A link is opened with the date of birth, where that is known; from then on it works in that browser alone, which holds a
secret in a cookie for this link's addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from csp.constants import NONE, SELF
from csp.decorators import csp_replace
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from accounts.actor import Actor, acting_as
from accounts.middleware import client_ip
from clinic.changes import origin
from clinic.languages import spoken
from clinic.pages import guarded, spoken_language
from forms_app import links, opening
from forms_app.links import Link, LinkRefused

COOKIE = "form_link"
REFUSED = {"invalid": 404, "expired": 410, "used": 410, "locked": 403}
View = Callable[..., HttpResponse]
own_scripts: Callable[[View], View] = csp_replace({"script-src": [SELF], "connect-src": [NONE]})  # type: ignore[assignment]


def by_link(view: View) -> View:
    """Find the link, and answer in the reader's language. Its patient is the actor once this browser opened it."""

    @wraps(view)
    @sensitive_variables("token", "link")
    @sensitive_post_parameters()
    def found(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
        try:
            link = links.find(token, request.COOKIES.get(COOKIE, ""))
        except LinkRefused as refused:
            response = _refused(request, token, refused)
        else:
            with acting_by(request, link), translation.override(spoken(*link.languages)):
                response = view(request, token, link, **kwargs)
                response["Content-Language"] = translation.get_language() or "en"
        return guarded(response)

    return own_scripts(found)


def held(view: View) -> View:
    """Let in the browser that opened the link; another one is led to the page where it is opened."""

    @wraps(view)
    def entered(request: HttpRequest, token: str, link: Link, **kwargs: Any) -> HttpResponse:
        if not link.held:
            return HttpResponseRedirect(reverse("forms:open", args=[token]), status=303)
        return view(request, token, link, **kwargs)

    return by_link(entered)


@contextmanager
def acting_by(request: HttpRequest, link: Link) -> Iterator[None]:
    """Let the patient act who opened the link; until then it is somebody whom nobody knows."""
    patient = link.patient
    kind, patient_id = ("patient", patient.pk) if link.held else ("anonymous", None)
    actor = Actor(kind, clinic_id=patient.clinic_id, patient_id=patient_id, ip=client_ip(request))
    with acting_as(actor), origin("system"):
        yield


def open_page(request: HttpRequest, token: str, link: Link) -> HttpResponse:
    """Ask for the date of birth where it is known, and open the link when it is right."""
    context = {"asks": link.patient.birth_date is not None, "contact": link.contact, **frame(link)}
    if request.method != "POST":
        return render(request, "forms_app/gate.html", context)
    typed = opening.typed_date(request.POST)
    if context["asks"] and typed is None:  # a slip and no guess: it does not count
        return render(request, "forms_app/gate.html", {**context, "problem": "no_date"}, status=422)
    outcome = opening.open_link(link, typed)
    if outcome.problem == "wrong":
        context |= {"problem": "wrong", "left": outcome.tries_left}
        return render(request, "forms_app/gate.html", context, status=422)
    if outcome.problem:
        return notice(request, f"link_{outcome.problem}", REFUSED[outcome.problem], link)
    return hand_over(HttpResponseRedirect(reverse("forms:open", args=[token]), status=303), token, outcome.secret)


def hand_over(response: HttpResponse, token: str, secret: str) -> HttpResponse:
    """Give the browser the secret of a link that it opened, for this link's addresses only."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=links.HELD_FOR,
        path=reverse("forms:open", args=[token]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


@require_POST
@sensitive_variables("token")
def again(request: HttpRequest, token: str) -> HttpResponse:
    """Send a new link in place of one that was used or has ended; the answer is the same, whether or not one goes."""
    try:
        link = links.find(token, request.COOKIES.get(COOKIE, ""))
    except LinkRefused as refused:
        if refused.row is None or refused.kind == "locked":
            response = _refused(request, token, refused)
        else:
            link = Link(refused.row, token, held=False)
            with acting_by(request, link):
                opening.send_again(refused.row)
            with translation.override(spoken(*link.languages)):
                response = notice(request, "link_sent", 200, link)
    else:
        response = HttpResponseRedirect(reverse("forms:open", args=[link.token]), status=303)
    return guarded(response)


def _refused(request: HttpRequest, token: str, refused: LinkRefused) -> HttpResponse:
    link = None if refused.row is None else Link(refused.row, token, held=False)
    languages = () if link is None else link.languages
    with translation.override(spoken(*languages) if languages else translation.get_language()):
        return notice(request, f"link_{refused.kind}", REFUSED[refused.kind], link)


def notice(
    request: HttpRequest, kind: str, status: int, link: Link | None = None, token: str = "", when: str = ""
) -> HttpResponse:
    """Say in words why there is nothing to fill in here."""
    back = reverse("forms:open", args=[token]) if token else ""
    may_ask = link is not None and kind in ("link_used", "link_expired")
    more = reverse("forms:again", args=[link.token]) if link is not None and may_ask else ""
    context = {"kind": kind, "back": back, "again": more, "when": when, **frame(link)}
    return render(request, "forms_app/notice.html", context, status=status)


def frame(link: Link | None) -> dict[str, Any]:
    """Give what every page shows: the language, and the clinic if the link is good."""
    return {
        **spoken_language(),
        "clinic": None if link is None else link.patient.clinic,
        "given_name": "" if link is None else link.patient.given_name,
    }
