"""What every page of the portal stands in: the session's cookie, the patient as actor, their language and zone."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.actor import Actor, acting_as
from accounts.middleware import client_ip
from accounts.models import Clinic
from clinic.changes import origin
from clinic.languages import spoken
from clinic.pages import guarded, spoken_language
from messaging.recipients import patient_zone
from patients.grants import features_of
from portal import signing_in
from portal.models import PatientSession
from portal.readers import Reader

COOKIE = "patient_session"
View = Callable[..., HttpResponse]


def session_of(request: HttpRequest) -> PatientSession | None:
    """Return the session of this browser; that of a person of the staff in the same browser is another one."""
    return signing_in.find_session(request.COOKIES.get(COOKIE, ""))


def keep(response: HttpResponse, secret: str) -> HttpResponse:
    """Give the browser a session's secret, for the portal's addresses only."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=signing_in.LONGEST,
        path=reverse("portal:home"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def forget(response: HttpResponse) -> HttpResponse:
    """Take the secret back."""
    response.delete_cookie(COOKIE, path=reverse("portal:home"), samesite="Lax")
    return response


def as_patient(request: HttpRequest, clinic_id: int | None, patient_id: int | None) -> Actor:
    """Describe who acts: the patient, or until one is chosen somebody whom nobody knows."""
    kind = "patient" if patient_id is not None else "anonymous"
    return Actor(kind, clinic_id=clinic_id, patient_id=patient_id, ip=client_ip(request))


def page(*, methods: tuple[str, ...] = ("GET", "HEAD")) -> Callable[[View], View]:
    """Let in who is signed in and has chosen a patient; `request.reader` says who that is. Reading is audited."""

    def decorate(view: View) -> View:
        @wraps(view)
        @sensitive_post_parameters()
        def entered(request: Any, **kwargs: Any) -> HttpResponse:
            session = session_of(request)
            if session is None:
                return guarded(redirect("portal:sign-in"))
            if session.patient is None:
                return guarded(redirect("portal:choose"))
            patient = session.patient
            request.patient_session, request.reader = session, Reader(patient, session.contact)
            actor = as_patient(request, patient.clinic_id, patient.pk)
            zone, language = patient_zone(patient, patient.clinic), request.reader.language
            with (
                acting_as(actor),
                origin("system"),
                timezone.override(zone),
                translation.override(spoken(language, patient.clinic.language)),
            ):
                if request.method in ("GET", "HEAD"):
                    audit.record("portal.opened", obj=patient, detail={"page": request.resolver_match.url_name})
                response = view(request, **kwargs)
                response["Content-Language"] = translation.get_language() or "en"
            return guarded(response)

        return require_http_methods(methods)(entered)

    return decorate


def _only_clinic() -> Clinic | None:
    """Return the clinic, where there is but one: its name and phone may then stand on the pages before signing in."""
    found = Clinic.objects.all()[:2]
    return found[0] if len(found) == 1 else None


def show(request: Any, template: str, context: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    """Render a page of the portal."""
    reader: Reader | None = getattr(request, "reader", None)
    context = context or {}
    frame = {
        **spoken_language(),
        "clinic": reader.patient.clinic if reader else context.get("clinic") or _only_clinic(),
        "reader": reader,
        "granted": features_of(reader.patient) if reader else [],
        "several": reader is not None and request.patient_session.several,
        "here": request.resolver_match.url_name if request.resolver_match else "",
    }
    return render(request, f"portal/{template}.html", context | frame, status=status)
