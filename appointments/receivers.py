"""What other records owe to an appointment that changed, whichever way it was written: its questionnaires follow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from appointments.lifecycle import UPCOMING
from appointments.models import Appointment
from clinic.db import Change
from forms_app.services import about_moved, void_about

Status = Appointment.Status


def on_appointments_changed(sender: Any, changes: Sequence[Change], **_kwargs: Any) -> None:
    """Void the open questionnaires of visits called off or struck out; move the due times of those of moved visits.

    Runs in the writer's transaction, the patients' locks held.
    """
    _void(changes, Status.CANCELLED, _("The visit was cancelled."))
    _void(changes, Status.ENTERED_IN_ERROR, _("The visit was entered in error."))
    moved = [c.instance for c in changes if c.moved("starts_at") and c.new["status"] in UPCOMING]
    if moved:
        about_moved("appointment", {row.pk: row.starts_at for row in moved})


def _void(changes: Sequence[Change], status: str, reason: str) -> None:
    ids = [c.instance.pk for c in changes if not c.created and c.became("status", status)]
    if ids:
        void_about("appointment", ids, reason=reason)
