"""Name the actor of each request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers

from accounts.actor import Actor, acting_as
from accounts.models import Membership
from accounts.permissions import active_memberships
from clinic.changes import origin


def client_ip(request: HttpRequest) -> str | None:
    """Return the address the request came from; behind our own TLS proxy, the one that the proxy saw."""
    if getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    return request.META.get("REMOTE_ADDR") or None


def zone_of(memberships: Iterable[Membership]) -> str:
    """Return the zone in which a person reads times: that of their clinics, if these have but one; else UTC."""
    zones = {one.clinic.time_zone for one in memberships}
    return zones.pop() if len(zones) == 1 else "UTC"


def actor_of(request: HttpRequest, memberships: Sequence[Membership] | None = None) -> Actor:
    """Return the signed-in person, or a visitor without rights."""
    user = request.user
    if not user.is_authenticated:
        return Actor("anonymous", ip=client_ip(request))
    memberships = list(active_memberships(user)) if memberships is None else memberships
    clinics = {one.clinic_id for one in memberships}
    return Actor(
        "user",
        user_id=user.pk,
        membership_id=memberships[0].pk if len(memberships) == 1 else None,
        clinic_id=clinics.pop() if len(clinics) == 1 else None,
        ip=client_ip(request),
    )


class ActorMiddleware:
    """Say who acts, that it is in a signed-in session, and in which zone they read, while the request is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with ExitStack() as stack:
            memberships = list(active_memberships(request.user)) if request.user.is_authenticated else []
            request.memberships = memberships  # type: ignore[attr-defined]
            actor = stack.enter_context(acting_as(actor_of(request, memberships)))
            if actor.kind == "user":
                stack.enter_context(origin("session"))
                stack.enter_context(timezone.override(ZoneInfo(zone_of(memberships))))
            return self.get_response(request)


class KeptNowhere:
    """Keep what is answered about signing in and accounts (a factor's key, recovery codes, who it is) in no cache."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(("/accounts/", "/join/")):
            add_never_cache_headers(response)
        return response


class StaffLanguage:
    """Speak to staff in the languages that their pages have whole, else in English; patients' pages have more."""

    PATIENTS = ("/portal/", "/f/", "/i18n/")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if translation.get_language() not in settings.STAFF_LANGUAGES and not request.path.startswith(self.PATIENTS):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE
        return self.get_response(request)
