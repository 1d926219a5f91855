"""Records in the words of a patient's page."""

from __future__ import annotations

from typing import Any

from appointments.models import Appointment
from forms_app.pages import moment_words
from patients.models import Patient
from portal.selectors import Visit


def visit_words(visit: Visit, patient: Patient) -> dict[str, Any]:
    """Describe a visit that is ahead."""
    return appointment_words(visit.row, patient) | {"join": visit.join}


def appointment_words(row: Appointment, patient: Patient) -> dict[str, Any]:
    """Describe a visit: when, what for, with whom, where, and what became of it."""
    return {
        "pk": row.pk,
        "when": moment_words(row.starts_at, patient),
        "service": row.service.name,
        "specialist": row.specialist.name if row.specialist else "",
        "location": row.location,
        "by_video": bool(row.join_url),
        "status": row.get_status_display(),
        "confirmed": row.status == Appointment.Status.CONFIRMED,
    }
