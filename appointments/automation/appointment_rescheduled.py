"""The trigger `appointment.rescheduled`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from appointments.automation.base import AppointmentTrigger
from appointments.lifecycle import UPCOMING
from automations.engine.declare import register


@register
class AppointmentRescheduled(AppointmentTrigger):
    """The start of a visit that is still ahead moves. Correcting the time of one that has begun tells nobody."""

    key = "appointment.rescheduled"
    label = _("Appointment rescheduled")
    supersedes = True

    def fires(self, change: Any) -> bool:
        """Tell whether the start of a visit that is still ahead moved."""
        return bool(change.moved("starts_at") and change.new["status"] in UPCOMING)
