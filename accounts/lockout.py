"""Guessing passwords and codes: what counts as a miss, whose, and what the audit trail keeps of signing in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest

from accounts import audit
from accounts.actor import Actor, acting_as
from accounts.middleware import client_ip
from accounts.models import User
from accounts.permissions import active_memberships


def name_of(request: Any, credentials: dict[str, Any] | None = None) -> str:
    """Return the name by which misses are counted: the email address, however it was typed."""
    given = credentials or {}
    name = given.get("email") or given.get("username") or ""
    if not given and request is not None:
        name = request.POST.get("login", "")
    name = str(name).strip().lower()[:254]
    if name and "@" not in name:
        name = User.objects.filter(username__iexact=name).values_list("email", flat=True).first() or name
    return name.lower()


def count_wrong_code(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Let a wrong code count as a wrong password does (receives allauth's `authentication_failed`)."""
    user_login_failed.send(sender=__name__, credentials={"email": user.email}, request=request)


def _record(action: str, request: HttpRequest, user: User, **detail: Any) -> None:
    """Write it down for each clinic of the person's, so that each one's admins can read it."""
    clinics = {one.clinic_id for one in active_memberships(user)} or {None}
    with acting_as(Actor("user", user_id=user.pk, ip=client_ip(request))):
        for clinic_id in sorted(clinics, key=str):
            audit.record(action, obj=user, clinic_id=clinic_id, detail=detail)


def record_sign_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Write down who signed in (receives allauth's `user_logged_in`)."""
    _record("session.begun", request, user)


def record_lockout(sender: Any, request: HttpRequest, username: str, **kwargs: Any) -> None:
    """Write down that a name was locked for an address (receives axes' `user_locked_out`)."""
    for user in User.objects.filter(email__iexact=username):
        with acting_as(Actor("anonymous", ip=client_ip(request))):
            clinics = {one.clinic_id for one in active_memberships(user)} or {None}
            for clinic_id in sorted(clinics, key=str):
                audit.record("login.locked", obj=user, clinic_id=clinic_id)


def record_password(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Write down that a person changed or reset their own password (receives allauth's signals)."""
    _record("user.password_changed", request, user)


def record_factor_added(sender: Any, request: HttpRequest, user: User, authenticator: Any, **kwargs: Any) -> None:
    """Write down that a person set up a second factor (receives allauth's `authenticator_added`)."""
    _record("second_factor.added", request, user, type=authenticator.type)


def record_factor_removed(sender: Any, request: HttpRequest, user: User, authenticator: Any, **kwargs: Any) -> None:
    """Write down that a second factor is gone (receives allauth's `authenticator_removed`)."""
    _record("second_factor.removed", request, user, type=authenticator.type)


def record_factor_reset(sender: Any, request: HttpRequest, user: User, authenticator: Any, **kwargs: Any) -> None:
    """Write down that recovery codes were made anew (receives allauth's `authenticator_reset`)."""
    _record("second_factor.reset", request, user, type=authenticator.type)
