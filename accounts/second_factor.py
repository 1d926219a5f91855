"""A second factor where a clinic asks for one: who has none sets it up first, and does nothing else until then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from accounts import audit
from accounts.actor import current
from accounts.models import Clinic, Membership
from accounts.permissions import Role, active_memberships, is_operator, require
from accounts.services import opens_elsewhere
from clinic.api.problems import ProblemError, http_response
from clinic.errors import Refused

ALLOWED = frozenset(
    {
        "mfa_activate_totp",
        "mfa_reauthenticate",
        "account_reauthenticate",
        "account_logout",
        "account_login",
        "set_language",
        "favicon",
        "healthz-live",
        "healthz-ready",
    }
)


def has_second_factor(user: Any) -> bool:
    """Tell whether the person has an authenticator app (recovery codes alone are none)."""
    return is_mfa_enabled(user, [Authenticator.Type.TOTP])


def needs_second_factor(user: Any, memberships: Any = None) -> bool:
    """Tell whether a clinic of the person's asks for one; an operator sees every clinic, so any clinic does."""
    memberships = active_memberships(user) if memberships is None else memberships
    if any(one.clinic.require_mfa for one in memberships):
        return True
    return is_operator(user) and Clinic.objects.filter(require_mfa=True).exists()


@transaction.atomic
def take_away(member: Membership) -> None:
    """Take a person's second factor away, as when the phone is lost: who needs one sets up a new one.

    Their sessions end. An admin does it for logins that open nothing outside the admin's own clinics, and not for
    their own, which takes the factor itself.
    """
    require(member.clinic_id, Role.CLINIC_ADMIN)
    if current().user_id == member.user_id:
        raise Refused(_("Your own is changed in your own settings."), code="own")
    if opens_elsewhere(member.user, member.clinic_id):
        raise Refused(_("This person works elsewhere too. Ask a platform operator."), code="works_elsewhere")
    take_from(member.user, clinic_id=member.clinic_id)


@transaction.atomic
def take_from(user: Any, *, clinic_id: int | None = None) -> bool:
    """Take a login's second factor and recovery codes away and end its sessions; tell whether there was one."""
    taken, _each = Authenticator.objects.filter(user=user).delete()
    if taken:
        for session in UserSession.objects.filter(user=user):
            session.end()
        audit.record("second_factor.taken_away", obj=user, clinic_id=clinic_id)
    return bool(taken)


class RequireSecondFactor:
    """Lead people of a clinic that asks for a second factor to where they set it up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Answer in place of every page but the few that are needed for it."""
        if not request.user.is_authenticated or request.resolver_match.view_name in ALLOWED:
            return None
        if not needs_second_factor(request.user, request.memberships) or has_second_factor(request.user):
            return None
        if request.path.startswith("/api/"):
            said = _("Your clinic asks for a second factor. Sign in on the website and set it up.")
            return http_response(ProblemError(403, said, code="second_factor_required"))
        where = reverse("mfa_activate_totp")
        return HttpResponseClientRedirect(where) if "HX-Request" in request.headers else HttpResponseRedirect(where)
