"""How long a signed-in session lasts: so long without a click, and so long whatever is clicked.

Both moments stand in the session itself, in the machine's time: moving a demo's clock signs nobody out. The last click
is written at most once a minute, so that reading a page does not mean writing a row.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh

BEGAN = "session_began"
SEEN = "session_seen"
ENDED = "session_ended"
STEP_SECONDS = 60

View = Callable[..., HttpResponse]


def in_background(view: View) -> View:
    """Mark a view that pages call by themselves, as the bell does: being asked is no sign that somebody is there."""
    view.in_background = True  # type: ignore[attr-defined]
    return view


def begin(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """Note when a session begins (receives Django's `user_logged_in`)."""
    if getattr(request, "session", None) is not None:
        request.session[BEGAN] = request.session[SEEN] = int(time.time())


def end_others(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """End the person's sessions elsewhere, as when a second factor was set up (receives `authenticator_added`)."""
    for one in UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key):
        one.end()


def renew(request: Any) -> None:
    """Give the session a new key, under which it is still found among the person's sessions."""
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def sessions_of(user: Any) -> list[UserSession]:
    """Return where the person is signed in, the newest first: what has not ended by time or by leaving."""
    oldest = timezone.now() - timedelta(hours=settings.SESSION_ABSOLUTE_HOURS)
    standing = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    rows = UserSession.objects.filter(user=user, created_at__gt=oldest, session_key__in=standing)
    return list(rows.order_by("-created_at")[:50])


def why_over(session: Any, moment: float) -> str:
    """Return "absolute" or "idle" if the session has lasted too long, else nothing."""
    if moment - session[BEGAN] >= settings.SESSION_ABSOLUTE_HOURS * 3600:
        return "absolute"
    return "idle" if moment - session[SEEN] >= settings.SESSION_IDLE_MINUTES * 60 else ""


class SessionLimits:
    """Sign out whoever was away, or signed in, for too long; note when somebody was here."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        session = request.session
        if SESSION_KEY in session:
            session.setdefault(BEGAN, int(time.time()))
            session.setdefault(SEEN, session[BEGAN])
            if why := why_over(session, time.time()):
                logout(request)
                request.session[ENDED] = why  # the page where one signs in says so
                if "HX-Request" in request.headers:
                    return HttpResponseClientRefresh()  # the whole page, not its part, goes to where one signs in
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, args: Any, kwargs: Any) -> None:
        """Note the click, unless the page asked by itself."""
        session = request.session
        if SESSION_KEY in session and not getattr(view, "in_background", False):
            moment = int(time.time())
            if moment - session[SEEN] >= min(STEP_SECONDS, settings.SESSION_IDLE_MINUTES * 6):
                session[SEEN] = moment
