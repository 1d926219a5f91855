"""The trigger `appointment.reopened`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from appointments.automation.base import AppointmentTrigger, stops_for
from appointments.lifecycle import OPEN
from automations.engine.declare import register


@register
class AppointmentReopened(AppointmentTrigger):
    """A completed, cancelled or missed visit is corrected back; this alone fires, not the state it goes back to."""

    key = "appointment.reopened"
    label = _("Appointment reopened")
    stop_on = stops_for(key)

    def fires(self, change: Any) -> bool:
        """Tell whether a visit that was over is open again."""
        return bool(change.moved("status") and change.old["status"] not in OPEN and change.new["status"] in OPEN)
