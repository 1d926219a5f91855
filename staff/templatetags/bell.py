"""The bell in the bar above the staff's pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template

register = template.Library()

MOST_SHOWN = 99


@register.inclusion_tag("staff/bell/bar.html")
def bell(memberships: Iterable[Any]) -> dict[str, Any]:
    """Show how many notifications a person has not looked at, whichever clinic they are of."""
    return numbers(memberships)


def numbers(memberships: Iterable[Any]) -> dict[str, Any]:
    """Return what the bell shows: the number, how it is written, and the marker by which a poll knows it again.

    `memberships` come from `accounts.permissions.active_memberships`, which counts in its own query.
    """
    rows = list(memberships)
    unread = sum(one.unread for one in rows)
    newest = max((one.newest_unread for one in rows), default=0)
    written = f"{MOST_SHOWN}+" if unread > MOST_SHOWN else str(unread)
    return {"unread": unread, "written": written, "seen": f"{unread}-{newest}"}
