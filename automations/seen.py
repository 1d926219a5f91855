"""Values of facts as people read them: dates on the clinic's calendar, rows by their names, choices by their labels."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from automations.engine.declare import Fact, FactType
from automations.naming import Names

FORMAT = "j M Y H:i"
DATES = (FactType.date, FactType.any)


def moment(value: datetime | None, zone: str | ZoneInfo) -> str:
    """Write a moment in a zone, named."""
    if value is None:
        return ""
    local = timezone.localtime(value, ZoneInfo(zone) if isinstance(zone, str) else zone)
    return f"{date_format(local, FORMAT)} {local.tzname()}"


def shown(value: Any, fact: Fact | None = None, names: Names | None = None, zone: ZoneInfo | None = None) -> str:
    """Write a value of a fact; "" for one that is not known."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, list):
        return ", ".join(shown(one, fact, names, zone) for one in value) or _("none")
    if isinstance(value, dict):
        return _record(value, fact, names, zone)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str) and fact is not None:
        return _word(value, fact, names, zone)
    return str(value)


def _record(value: dict[str, Any], fact: Fact | None, names: Names | None, zone: ZoneInfo | None) -> str:
    if set(value) == {"amount", "unit"}:
        return f"{value['amount']} {value['unit']}"
    if set(value) == {"from", "to"}:
        before, after = (shown(value[key], fact, names, zone) or _("nothing") for key in ("from", "to"))
        return _("%(before)s, then %(after)s") % {"before": before, "after": after}
    return ", ".join(f"{key} {shown(one, fact, names, zone) or '-'}" for key, one in value.items())


def _word(value: str, fact: Fact, names: Names | None, zone: ZoneInfo | None) -> str:
    labels = dict(fact.choices)
    if value in labels:
        return str(labels[value])
    if fact.reference is not None and names is not None:
        return names(fact.reference, value)
    if fact.type in DATES and zone is not None:
        with suppress(ValueError):
            return _date(value, zone)
    return value


def _date(value: str, zone: ZoneInfo) -> str:
    if len(value) == len("2026-11-24"):
        return str(date_format(date.fromisoformat(value), "j M Y"))
    return moment(datetime.fromisoformat(value), zone)
