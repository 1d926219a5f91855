"""What forms do when other records change, in the same transaction."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from clinic.db import Change, records_changed
from forms_app.lifecycle import void_of_patients
from patients.models import Patient


@receiver(records_changed, sender=Patient, dispatch_uid="forms of patients who leave")
def void_forms_of_patients_who_leave(sender: type[Patient], changes: list[Change], **_kwargs: Any) -> None:
    """Void the open requests of patients who were archived, discharged or died."""
    gone = {change.instance.pk for change in changes if not change.created and not _active(change.new)}
    if gone:
        void_of_patients(gone, reason="patient_inactive")


def _active(state: dict[str, Any]) -> bool:
    return state["status"] == Patient.Status.ACTIVE and state["deceased_on"] is None
