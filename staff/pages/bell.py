"""The bell: how many notifications are unread, asked every few seconds, and the list behind it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.sessions import in_background
from clinic.clock import now
from messaging.models import Notification
from messaging.selectors import notifications_to
from messaging.services import mark_all_read, mark_read
from messaging.subscriptions import switch
from staff.frame import own, page, paged
from staff.selectors import link_of
from staff.templatetags.bell import numbers

PUSH = {
    "on": reverse_lazy("staff:push-on"),
    "off": reverse_lazy("staff:push-off"),
    "scope": reverse_lazy("staff:home"),
}
STOP_ASKING = 286
"""What htmx takes as: do not poll any more."""


@in_background
@never_cache
@require_safe
def bell(request: HttpRequest) -> HttpResponse:
    """Answer a poll: the bell's new inside, or 204 if it is still what `?seen=` says.

    Three queries: session, person, memberships with their numbers. Signed out meanwhile: the page need not ask again.
    """
    if not request.user.is_authenticated:
        return HttpResponse(status=STOP_ASKING, headers={"HX-Reswap": "none"})
    memberships = request.memberships  # type: ignore[attr-defined]
    if not memberships:
        return HttpResponse(status=403)
    shown = numbers(memberships)
    if request.GET.get("seen") == shown["seen"]:
        return HttpResponse(status=204)
    return render(request, "staff/bell/inside.html", shown)


@page(methods=("GET", "HEAD"))
def notifications(request: Any) -> HttpResponse:
    """List what the person was told, at every clinic of theirs, newest first."""
    memberships = request.desk.memberships
    only_unread = request.GET.get("show") == "unread"
    rows = notifications_to(memberships)
    found = paged(request, rows.filter(read_at=None) if only_unread else rows)
    audit.listed("notification", found.rows, clinic_id=request.desk.clinic.pk)
    given = {
        "paged": found,
        "only_unread": only_unread,
        "several_clinics": len({one.clinic_id for one in memberships}) > 1,
        "until": now(),
        "push": switch(memberships, **{name: str(address) for name, address in PUSH.items()}),
        **numbers(memberships),
    }
    return render(request, "staff/bell/list.html", given)


@page(methods=("POST",))
def open_notification(request: Any, pk: int) -> HttpResponse:
    """Mark one's own notification as read and go where it leads."""
    mine = Notification.objects.filter(recipient__in=request.desk.memberships)
    note = own(request, mine.select_related("recipient"), pk=pk)
    if mark_read(notification_ids=[note.pk], recipient=note.recipient):
        audit.record("notification.marked_read", obj=note)
    return redirect(link_of(note))


@page(methods=("POST",))
def read_all(request: Any) -> HttpResponse:
    """Mark as read all that the list could show when it was opened."""
    count = mark_all_read(request.desk.memberships, until=_moment(request.POST.get("until", "")) or now())
    if count:
        audit.record("notification.all_marked_read", clinic_id=request.desk.clinic.pk, detail={"count": count})
        said = ngettext("%(n)s notification marked as read.", "%(n)s notifications marked as read.", count)
        messages.success(request, said % {"n": count})
    else:
        messages.info(request, _("Everything was read already."))
    return redirect("staff:notifications")


def _moment(text: str) -> datetime | None:
    """Read an aware moment; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


urlpatterns = [
    path("staff/bell/", bell, name="bell"),
    path("staff/notifications/", notifications, name="notifications"),
    path("staff/notifications/read/", read_all, name="notifications-read"),
    path("staff/notifications/<int:pk>/open/", open_notification, name="notification-open"),
]
