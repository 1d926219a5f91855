"""What other systems tell us: a named event of a patient with data, judged strictly before it is kept."""

from __future__ import annotations

import json
import re
import uuid
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import Actor, acting_as
from accounts.permissions import Role, require
from automations.engine.nouns import MEMBER
from automations.engine.problems import child
from automations.engine.scalars import MAX_NUMBER, unstorable
from automations.models import Event
from automations.occasions import Occasion, record
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import ClinicError

TRIGGER = "api.event"
NAME = re.compile(r"[a-z][a-z0-9_.-]{0,59}", re.ASCII)
MAX_BYTES = 8_192
MAX_KEYS = 50
MAX_ITEMS = 100
MAX_DEPTH = 4
"""Levels of objects and lists within each other, the data itself included."""
MAX_TEXT = 500
AHEAD = timedelta(minutes=5)
"""How far another system's clock may run ahead of ours."""


def record_named_event(
    clinic: Any,
    patient: Any,
    name: str,
    data: Any = None,
    occurred_at: datetime | None = None,
    actor: Actor | None = None,
) -> Event:
    """Keep that something named happened to a patient (an instance or its id), so that rules may answer.

    Raises ClinicError naming the place of what is wrong, Refused for who may not tell.
    """
    with acting_as(actor) if actor is not None else nullcontext(), transaction.atomic():
        require(clinic, Role.CLINIC_ADMIN)
        sent = checked(data)
        if not isinstance(name, str) or not NAME.fullmatch(name):
            message = _("Use up to 60 small letters, digits, dots, dashes and underscores; begin with a letter.")
            raise ClinicError(message, code="name", path="/name")
        moment = now()
        happened = _moment(occurred_at, moment)
        patient_id = _locked(clinic, getattr(patient, "pk", patient))
        occasion = Occasion(patient_id, uuid.uuid4().hex, happened, {"name": name, "sent": sent})
        [event] = record(clinic.pk, TRIGGER, [occasion])
        audit.record("event.received", obj=event, detail={"name": name})
    return event


def _moment(occurred_at: datetime | None, moment: datetime) -> datetime:
    if occurred_at is None:
        return moment
    if occurred_at.tzinfo is None:
        raise ClinicError(_("Name the time zone of the moment."), code="naive_time", path="/occurred_at")
    if occurred_at > moment + AHEAD:
        raise ClinicError(_("What has not happened yet cannot be told."), code="future", path="/occurred_at")
    return occurred_at


def _locked(clinic: Any, patient_id: Any) -> int:
    lock_patients([patient_id])
    rows = apps.get_model("patients", "Patient").objects.filter(clinic_id=clinic.pk, pk=patient_id)
    if not rows.exists():
        raise ClinicError(_("This clinic has no such patient."), code="not_found", path="/patient")
    return int(patient_id)


# --- the data ---


def checked(data: Any) -> dict[str, Any]:
    """Return the data of an event if it is small, flat enough and storable. Raises ClinicError with the place."""
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ClinicError(_("Send an object as data."), code="type", path="/data")
    _check_object(data, "/data", 1)
    for name in data:
        if not MEMBER.fullmatch(name):
            message = _("Name it with up to 50 letters, digits, dashes and underscores; begin with a letter.")
            raise ClinicError(message, code="name", path=child("/data", name))
    size = len(json.dumps(data, ensure_ascii=False).encode())
    if size > MAX_BYTES:
        message = _("Send at most %(most)s bytes of data; these are %(size)s.") % {"most": MAX_BYTES, "size": size}
        raise ClinicError(message, code="too_long", path="/data")
    return data


def _check(value: Any, path: str, depth: int) -> None:
    if isinstance(value, dict):
        _check_object(value, path, depth)
    elif isinstance(value, list):
        _check_list(value, path, depth)
    elif isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= MAX_NUMBER:  # nor is NaN
            raise ClinicError(_("Send a number of an ordinary size."), code="number", path=path)
    elif value is not None and not isinstance(value, bool):
        raise ClinicError(_("Send JSON values only."), code="type", path=path)


def _check_object(value: dict[Any, Any], path: str, depth: int) -> None:
    _check_size(len(value), MAX_KEYS, path, depth)
    for key, one in value.items():
        if not isinstance(key, str):
            raise ClinicError(_("Use texts as names."), code="name", path=path)
        _check_text(key, path)
        _check(one, child(path, key), depth + 1)


def _check_list(value: list[Any], path: str, depth: int) -> None:
    _check_size(len(value), MAX_ITEMS, path, depth)
    for position, one in enumerate(value):
        _check(one, child(path, position), depth + 1)


def _check_size(count: int, most: int, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ClinicError(_("Nest at most %(most)s levels.") % {"most": MAX_DEPTH}, code="too_deep", path=path)
    if count > most:
        message = _("Send at most %(most)s values here; there are %(count)s.") % {"most": most, "count": count}
        raise ClinicError(message, code="too_many", path=path)


def _check_text(value: str, path: str) -> None:
    if len(value) > MAX_TEXT:
        message = _("Shorten this text to %(most)s characters.") % {"most": MAX_TEXT}
        raise ClinicError(message, code="too_long", path=path)
    if (why := unstorable(value)) is not None:
        raise ClinicError(why, code="text", path=path)
