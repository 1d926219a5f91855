"""The clinic's tablet in a patient's hands: the session opens one form, and nothing else until staff unlock it.

The lock stands in the session, so that it holds in every window of that browser; whatever is asked for is answered with
the page that says so. The password of the person who is signed in takes it off; so do email and password of somebody
else who works at the form's clinic, who then signs in anew. Misses count against this browser's session alone: the
patient who holds it can make it wait, but locks no member of staff out elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Membership, User
from accounts.permissions import active_memberships, require
from accounts.sessions import renew
from clinic.api.problems import ProblemError, http_response
from clinic.errors import Refused
from forms_app.models import FormRequest

KEY = "tablet"
ALLOWED = frozenset({"staff:tablet", "staff:tablet-unlock", "set_language", "favicon", "healthz-live", "healthz-ready"})
MISSES = 5
"""So many wrong passwords are free; from then on each one makes the browser wait, twice as long as the one before."""
FIRST_WAIT, LONGEST_WAIT = 60, 3600
"""Seconds."""
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


def seconds_to_wait(request: HttpRequest) -> int:
    """Return how long this browser may try no password."""
    return max(0, int(request.session[KEY].get("not_before", 0)) - int(time.time()))


def _missed(request: HttpRequest) -> None:
    """Count a wrong password in the session (the machine's time: a demo's clock shortens no wait)."""
    held = request.session[KEY]
    held["misses"] = held.get("misses", 0) + 1
    if held["misses"] >= MISSES:
        wait = min(FIRST_WAIT * 2 ** min(held["misses"] - MISSES, 16), LONGEST_WAIT)
        held["not_before"] = int(time.time()) + wait
        row = FormRequest.objects.filter(pk=held["form"]).first()
        audit.record("form.tablet_guessed", obj=row, detail={"misses": held["misses"], "seconds": wait})
    request.session.modified = True


def unlock(request: HttpRequest, password: str, email: str = "") -> User | None:
    """Take the lock off for whoever this password is of: who is signed in, or, by email, a colleague at the clinic.

    A colleague ends the session, and signs in at the door. Returns who it was; None: a miss, or it is not time yet.
    The password is looked at here and not by `authenticate`, which would count a patient's guesses at the door.
    """
    me: Any = request.user
    held = request.session[KEY]
    if seconds_to_wait(request):
        return None
    row = FormRequest.objects.get(pk=held["form"])
    who: Any = _colleague(email, row.clinic_id) if email.strip() else me
    if who is None:
        make_password(password)  # takes as long as looking at one, so that the time tells no names
    if who is None or not who.check_password(password):
        _missed(request)
        return None
    audit.record("form.tablet_unlocked", obj=row, detail={} if who == me else {"by": who.pk})
    if who == me:
        del request.session[KEY]
        renew(request)
    else:
        logout(request)
    return who


def _colleague(email: str, clinic_id: int) -> User | None:
    """Return who signs in by this address and works at the clinic."""
    user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    works_here = user is not None and active_memberships(user).filter(clinic_id=clinic_id).exists()
    return user if works_here else None


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
