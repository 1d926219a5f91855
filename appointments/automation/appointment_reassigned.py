"""The trigger `appointment.reassigned`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from appointments.automation.base import AppointmentTrigger
from appointments.lifecycle import OPEN
from automations.engine.declare import register


@register
class AppointmentReassigned(AppointmentTrigger):
    """Another specialist, or nobody yet, is to see the patient. Correcting a visit that is over tells nobody."""

    key = "appointment.reassigned"
    label = _("Appointment reassigned")

    def fires(self, change: Any) -> bool:
        """Tell whether the specialist of a visit that is not over changed."""
        return bool(change.moved("specialist_id") and change.new["status"] in OPEN)
