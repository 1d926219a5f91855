"""The bar above the staff's pages: every page that is there. Who may open it, a page says itself."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Role

ADMINS = (Role.CLINIC_ADMIN,)
PAGES: tuple[tuple[Any, str], ...] = (
    (_("Home"), "staff:home"),
    (_("Appointments"), "staff:visits"),
    (_("Patients"), "staff:patients"),
    (_("Worklist"), "staff:worklist"),
    (_("Forms"), "staff:forms"),
    (_("Plans"), "staff:plans"),
    (_("Segments"), "staff:segments"),
    (_("Messages"), "staff:messages"),
    (_("Rules"), "staff:rules"),
    (_("Upcoming"), "staff:upcoming"),
    (_("Settings"), "staff:settings"),
)
"""Title, name of the address."""


def items(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the bar's links, with the one that the reader is on marked."""
    desk: Any = getattr(request, "desk", None)
    found = []
    for title, name in PAGES if desk else ():
        try:
            link = reverse(name)
        except NoReverseMatch:
            continue
        here = request.path == link or (link != reverse("staff:home") and request.path.startswith(link))
        found.append({"title": title, "link": link, "here": here})
    return found


def context(request: HttpRequest) -> dict[str, Any]:
    """Give templates `desk` and `bar` on the staff's pages."""
    desk = getattr(request, "desk", None)
    return {"desk": desk, "bar": items(request)} if desk else {}
