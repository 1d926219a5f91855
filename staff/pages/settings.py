"""The settings: one's own account for everybody, and what else a clinic admin looks after."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from accounts.asking import ask_again
from accounts.permissions import Role, allowed
from accounts.second_factor import has_second_factor, needs_second_factor
from accounts.sessions import end_others, sessions_of
from staff.frame import own, page

ADMINS = (Role.CLINIC_ADMIN,)


def own_as_admin(request: Any, rows: QuerySet[Any], **which: Any) -> Any:
    """Return the one row of a clinic where the person is an admin, moving them there, and ask for the password first.

    Raises Http404 for any other, before anything is asked.
    """
    row = own(request, rows, **which)
    if not allowed(row.clinic_id, *ADMINS):
        raise Http404
    ask_again(request)
    return row


@page(methods=("GET", "HEAD"))
def overview(request: Any) -> HttpResponse:
    """Show one's own account, and the ways to the clinic's settings for those who keep them."""
    shown = {
        "is_admin": request.desk.role in ADMINS,
        "has_second_factor": has_second_factor(request.user),
        "needs_second_factor": needs_second_factor(request.user, request.memberships),
        "sessions": sessions_of(request.user),
        "this_session": request.session.session_key,
        "languages": [one for one in settings.LANGUAGES if one[0] in settings.STAFF_LANGUAGES],
    }
    return render(request, "staff/settings/overview.html", shown)


@page(methods=("POST",))
@reauthentication_required
def end_sessions(request: Any) -> HttpResponse:
    """Sign the person out everywhere but here."""
    end_others(None, request, request.user)
    messages.success(request, _("You are signed in here only."))
    return redirect("staff:settings")


urlpatterns = [
    path("staff/settings/", overview, name="settings"),
    path("staff/settings/sessions/end/", end_sessions, name="settings-sessions-end"),
]
