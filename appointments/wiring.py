"""Register with the apps below what only this app knows; called once, when every model is loaded."""

from __future__ import annotations

from appointments.models import Appointment
from appointments.provisioning import provide_service
from appointments.receivers import on_appointments_changed
from appointments.selectors import specialists_of_appointments
from appointments.variables import APPOINTMENT, resolve_many
from clinic.db import records_changed
from clinic.provisioning import register_provider
from messaging.variables import register
from patients.staffing import register_specialist_source


def connect() -> None:
    """Offer the specialist and the message variables of an appointment, and follow its changes."""
    register_specialist_source("appointment", specialists_of_appointments)
    register("appointment", APPOINTMENT, resolve_many=resolve_many, subject="appointment")
    records_changed.connect(on_appointments_changed, sender=Appointment, dispatch_uid="appointments.questionnaires")
    register_provider("service", provide_service)
