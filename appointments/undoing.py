"""Take back a slip of one's own hand: the last move of a visit, while the clinic's undo time lasts.

What the move sent to the patient still waits then, and is withdrawn; afterwards only a correction leads back.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, permissions
from accounts.actor import current
from accounts.models import AuditEntry
from appointments.lifecycle import FINISHED, OPEN
from appointments.locking import DESK, fresh
from appointments.models import Appointment
from clinic import clock
from clinic.errors import Refused

MOVES = {f"appointment.{status}": status for status in FINISHED}
LABEL = Appointment._meta.label_lower


def undoable(clinic: Any, visits: Collection[Appointment], moment: datetime) -> set[int]:
    """Return the ids of those visits whose last move the actor may take back now; one query, none if nothing ended."""
    ended = {visit.pk: visit.status for visit in visits if visit.status in FINISHED}
    return {pk for pk, entry in _last_moves(clinic, ended, moment).items() if MOVES[entry.action] == ended[pk]}


@transaction.atomic
def undo(appointment: Appointment) -> Appointment:
    """Lead the visit back to the state before the actor's own last move. Raises Refused (`too_late`) afterwards."""
    permissions.require(appointment.clinic_id, *DESK)
    row = fresh(appointment)
    if row.status in OPEN:
        return row
    entry = _last_moves(row.clinic, {row.pk: row.status}, clock.now()).get(row.pk)
    before = entry.detail.get("from") if entry is not None else None
    if entry is None or MOVES[entry.action] != row.status or before not in OPEN:
        raise Refused(
            _("The time to take this back is over. A specialist or an admin can reopen the visit."), code="too_late"
        )
    detail = {"from": row.status, "to": before, "undo": True}
    row.status = before
    row.save(update_fields=["status"])
    audit.record("appointment.reopened", obj=row, detail=detail)
    return row


def _last_moves(clinic: Any, ids: Collection[int], moment: datetime) -> dict[int, AuditEntry]:
    """Return the newest finishing move of each visit, where it is the actor's own and within the undo time."""
    actor = current()
    if not ids or actor.kind != "user":
        return {}
    rows = AuditEntry.objects.filter(
        clinic_id=clinic.pk, at__gte=moment - timedelta(seconds=clinic.undo_seconds), object_type=LABEL
    )
    rows = rows.filter(object_id__in=[str(pk) for pk in ids], action__in=MOVES).order_by("pk")
    newest = {int(row.object_id): row for row in rows}
    return {pk: row for pk, row in newest.items() if (row.actor_kind, row.actor_id) == ("user", actor.user_id)}
