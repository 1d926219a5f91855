"""What a message may say about the visit: when, where and how to join; never for what (docs/rules.md, Text)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from appointments.lifecycle import NOT_COUNTED
from appointments.models import Appointment
from messaging.times import say_moment
from messaging.variables import MessageContext, Variable

UTC = ZoneInfo("UTC")


def _sample(language: str, day: int) -> str:
    return say_moment(datetime(2026, 11, day, 9, tzinfo=UTC), zone=UTC, clinic_zone=UTC, language=language)


APPOINTMENT = {
    "starts_at": Variable(_("time of the visit"), sample=lambda language: _sample(language, 30)),
    "location": Variable(_("place of the visit"), sample="Room 2"),
    "join_url": Variable(_("link to join the visit"), sample="https://meet.example/room-2"),
    "series_times": Variable(
        _("times of all visits of the series, one a line; empty outside a series"),
        sample=lambda language: f"{_sample(language, 23)}\n{_sample(language, 30)}",
    ),
}


def resolve_many(contexts: Sequence[MessageContext]) -> list[Mapping[str, Any]]:
    """Give the values for a batch of messages in one query, two if there are series; about something else: none.

    The time is put into the reader's words and zone when the message leaves, so a moved visit is told rightly.
    """
    wanted = {c.subject_id for c in contexts if c.subject_type == "appointment"}
    found = Appointment.objects.in_bulk([pk for pk in wanted if pk is not None]) if wanted else {}
    series = _series({row.series_id for row in found.values() if row.series_id is not None})
    return [_values(context, found, series) for context in contexts]


def _series(ids: Collection[int]) -> Mapping[int | None, list[datetime]]:
    """Return when the visits of each series begin, those left out that will not take place."""
    starts: dict[int | None, list[datetime]] = {}
    if not ids:
        return starts
    rows = Appointment.objects.filter(series__in=ids).exclude(status__in=NOT_COUNTED).order_by("starts_at")
    for pk, starts_at in rows.values_list("series_id", "starts_at"):
        starts.setdefault(pk, []).append(starts_at)
    return starts


def _values(
    context: MessageContext, found: Mapping[int, Appointment], series: Mapping[int | None, list[datetime]]
) -> Mapping[str, Any]:
    visit = found.get(context.subject_id or 0) if context.subject_type == "appointment" else None
    if visit is None or visit.patient_id != context.patient.pk:
        return {}
    return {
        "starts_at": context.say(visit.starts_at),
        "location": visit.location,
        "join_url": visit.join_url or "",
        "series_times": "\n".join(context.say(moment) for moment in series.get(visit.series_id, [])),
    }
