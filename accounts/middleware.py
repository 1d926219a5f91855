"""Name the actor of each request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.actor import Actor, acting_as
from accounts.permissions import active_memberships
from clinic.changes import origin


def client_ip(request: HttpRequest) -> str | None:
    """Return the address the request came from; behind our own TLS proxy, the one that the proxy saw."""
    if getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    return request.META.get("REMOTE_ADDR") or None


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in person, or a visitor without rights."""
    user = request.user
    if not user.is_authenticated:
        return Actor("anonymous", ip=client_ip(request))
    memberships = list(active_memberships(user))
    clinics = {one.clinic_id for one in memberships}
    return Actor(
        "user",
        user_id=user.pk,
        membership_id=memberships[0].pk if len(memberships) == 1 else None,
        clinic_id=clinics.pop() if len(clinics) == 1 else None,
        ip=client_ip(request),
    )


class ActorMiddleware:
    """Say who acts, and that it is in a signed-in session, while the request is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with ExitStack() as stack:
            actor = stack.enter_context(acting_as(actor_of(request)))
            if actor.kind == "user":
                stack.enter_context(origin("session"))
            return self.get_response(request)
