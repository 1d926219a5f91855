"""The clinic's tablet in a patient's hands: the session opens one form, and nothing else until staff unlock it.

The lock stands in the session, so that it holds in every window of that browser; whatever is asked for is answered with
the page that says so. Only the password of the person who is signed in takes it off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Membership
from accounts.permissions import require
from clinic.api.problems import ProblemError, http_response
from clinic.errors import Refused
from forms_app.models import FormRequest

KEY = "tablet"
ALLOWED = frozenset({"staff:tablet", "staff:tablet-unlock", "set_language", "favicon", "healthz-live", "healthz-ready"})
View = Callable[[HttpRequest], HttpResponse]


def lock(session: Any, row: FormRequest, member: Membership) -> None:
    """Lock a session to one form; `member` hands over the tablet and sees it signed. Raises Refused: it is not open."""
    require(row.clinic_id)
    if row.status not in FormRequest.OPEN:
        message = _("This form is %(state)s; there is nothing to sign.") % {"state": row.get_status_display()}
        raise Refused(message, code="not_open")
    session[KEY] = {"form": row.pk, "member": member.pk}
    audit.record("form.tablet_locked", obj=row, detail={"witness": member.pk})


def locked_to(request: HttpRequest) -> tuple[int, int] | None:
    """Return the form that the session is locked to and the member who handed it over, by id; None: it is free."""
    held = request.session.get(KEY)
    return (held["form"], held["member"]) if held else None


def unlock(request: HttpRequest, password: str) -> bool:
    """Take the lock off if this is the password of the person who is signed in; misses count as those at the door."""
    user: Any = request.user
    if authenticate(request, username=user.get_username(), password=password) != user:
        return False
    held = request.session.pop(KEY, None)
    request.session.cycle_key()
    if held:
        audit.record("form.tablet_unlocked", obj=FormRequest.objects.filter(pk=held["form"]).first())
    return True


class TabletLock:
    """Answer in place of every page but the form, its thanks and the unlocking."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Refuse (423) what is not the form; to a program with words of its own kind."""
        if locked_to(request) is None or request.resolver_match.view_name in ALLOWED:
            return None
        if request.path.startswith("/api/"):
            said = _("This browser is locked to one form until a member of staff unlocks it.")
            return http_response(ProblemError(423, said, code="locked_to_form"))
        context = {"link": reverse("staff:tablet")}
        return render(request, "staff/tablet/locked.html", context, status=423)
