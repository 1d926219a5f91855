"""What a message may say about the visit: when, where and how to join; never for what (docs/rules.md, Text)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from appointments.models import Appointment
from messaging.variables import MessageContext, Variable

APPOINTMENT = {
    "starts_at": Variable(_("time of the visit"), sample="Monday, 30 November 2026, 09:00"),
    "location": Variable(_("place of the visit"), sample="Room 2"),
    "join_url": Variable(_("link to join the visit"), sample="https://meet.example/room-2"),
}


def resolve_many(contexts: Sequence[MessageContext]) -> list[Mapping[str, Any]]:
    """Give the values for a batch of messages in one query; a message about something else has none of them.

    The time is put into the reader's words and zone when the message leaves, so a moved visit is told rightly.
    """
    wanted = {c.subject_id for c in contexts if c.subject_type == "appointment"}
    found = Appointment.objects.in_bulk([pk for pk in wanted if pk is not None]) if wanted else {}
    return [_values(context, found) for context in contexts]


def _values(context: MessageContext, found: Mapping[int, Appointment]) -> Mapping[str, Any]:
    visit = found.get(context.subject_id or 0) if context.subject_type == "appointment" else None
    if visit is None or visit.patient_id != context.patient.pk:
        return {}
    return {
        "starts_at": context.say(visit.starts_at),
        "location": visit.location,
        "join_url": visit.join_url or "",
    }
