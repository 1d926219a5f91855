"""What every verb of this app begins with: the lock, the fresh row, and what is checked before a write."""

from __future__ import annotations

from accounts.guards import (
    CARE,
    DESK,
    REASON_MAX,
    check_clinic,
    check_moment,
    check_revision,
    check_specialist,
    check_zone,
)
from appointments.models import Appointment
from clinic.db import lock_patients

__all__ = [
    "CARE",
    "DESK",
    "REASON_MAX",
    "check_clinic",
    "check_moment",
    "check_revision",
    "check_specialist",
    "check_zone",
    "fresh",
]


def fresh(appointment: Appointment) -> Appointment:
    """Lock the patient and read the appointment anew; the caller's copy may be old. Needs a transaction."""
    lock_patients([appointment.patient_id])
    rows = Appointment.objects.select_related("clinic", "patient", "service", "specialist")
    return rows.get(pk=appointment.pk)
