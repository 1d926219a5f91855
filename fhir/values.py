"""Read single FHIR R4 values out of parsed JSON. Every type is checked; a wrong one is a BadResource with its path."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fhir.reading import BadResource

T = TypeVar("T")
FIRST_YEAR, LAST_YEAR = 1800, 2200
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})")
NAMES = {
    str: gettext_lazy("a text"),
    bool: gettext_lazy("true or false"),
    dict: gettext_lazy("an object"),
    list: gettext_lazy("a list"),
}


def get(holder: dict[str, Any], key: str, kind: type[T], path: str = "") -> T | None:
    """Return an element of the given type, or None if it is absent."""
    value = holder.get(key)
    if value is None or (isinstance(value, kind) and not (kind is str and value == "")):
        return value
    raise BadResource(_("must be %(kind)s") % {"kind": NAMES[kind]}, f"{path}{key}")


def objects(holder: dict[str, Any], key: str, path: str = "") -> list[dict[str, Any]]:
    """Return a repeated element as a list of objects, empty if it is absent."""
    found = get(holder, key, list, path) or []
    for position, one in enumerate(found):
        if not isinstance(one, dict):
            raise BadResource(_("must be %(kind)s") % {"kind": NAMES[dict]}, f"{path}{key}[{position}]")
    return found


def texts(holder: dict[str, Any], key: str, path: str = "") -> list[str]:
    """Return a repeated text; FHIR allows null where only an extension stands."""
    found = [one for one in get(holder, key, list, path) or [] if one is not None]
    if not all(isinstance(one, str) for one in found):
        raise BadResource(_("must be a list of texts"), f"{path}{key}")
    return [one.strip() for one in found if one.strip()]


@dataclass(frozen=True, slots=True)
class Days:
    """A FHIR date, which may be a whole month or year: the first and last day that it can mean."""

    first: date
    last: date

    @property
    def whole(self) -> date | None:
        """Return the day if it is a single one."""
        return self.first if self.first == self.last else None


def days(text: str, path: str) -> Days:
    """Read "1957", "1957-03" or "1957-03-02"; of a moment, the day in its own offset."""
    match = DAY.fullmatch(text.partition("T")[0])
    if match is None:
        raise BadResource(_("is no date; write it like 1957-03-02, 1957-03 or 1957"), path)
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        assert year is not None
        first = date(year, month or 1, day or 1)
    except ValueError:
        raise BadResource(_("is no day of the calendar"), path) from None
    _check_year(first.year, path)
    if day:
        return Days(first, first)
    end = calendar.monthrange(year, month or 12)[1]
    return Days(first, date(year, month or 12, end))


def moment(text: str, path: str, zone: ZoneInfo) -> datetime:
    """Read an instant, in UTC; a bare date is the start of that day in the clinic's zone."""
    if DAY.fullmatch(text):
        day = days(text, path).whole
        if day is None:
            raise BadResource(_("names no day; give at least year, month and day"), path)
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    if not MOMENT.fullmatch(text):
        raise BadResource(_("is no moment; write it like 2026-11-30T09:00:00+02:00, with its zone"), path)
    _check_year(int(text[:4]), path)
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).astimezone(UTC)
    except ValueError:
        raise BadResource(_("is no moment of the calendar"), path) from None


def _check_year(year: int, path: str) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        span = {"first": FIRST_YEAR, "last": LAST_YEAR}
        raise BadResource(_("lies outside the years %(first)d to %(last)d") % span, path)


def reference_id(text: str, kind: str, path: str) -> str:
    """Return the id behind "urn:uuid:…", "Patient/…" or an absolute address that ends so.

    Raises BadResource for another kind of resource, and for references inside the resource (#…).
    """
    if text.startswith("urn:uuid:"):
        found = text.removeprefix("urn:uuid:")
    else:
        parts = [part for part in urlsplit(text).path.split("/") if part] if "?" not in text else []
        if "_history" in parts:
            parts = parts[: parts.index("_history")]
        found = parts[-1] if len(parts) >= 2 and parts[-2] == kind else ""
    if not ID.fullmatch(found):
        raise BadResource(_("must refer to a %(kind)s, like %(kind)s/123 or urn:uuid:…") % {"kind": kind}, path)
    return found


def resource_id(resource: dict[str, Any], full_url: str) -> str:
    """Return the resource's id; in a Bundle its fullUrl may stand for it."""
    own = get(resource, "id", str)
    if own is None and full_url.startswith("urn:uuid:"):
        own = full_url.removeprefix("urn:uuid:")
    if own is None:
        raise BadResource(_("is missing; an import needs it to know the resource again"), "id")
    if not ID.fullmatch(own):
        raise BadResource(_("may hold letters, digits, - and . only, at most 64"), "id")
    return own


def limited(text: str, length: int, path: str) -> str:
    """Return the text without space around it, refusing one that the table cannot hold."""
    bare = text.strip()
    if len(bare) > length:
        raise BadResource(_("is longer than %(length)d characters") % {"length": length}, path)
    return bare
