"""The trigger `appointment.booked`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from appointments.automation.base import AppointmentTrigger
from appointments.models import Appointment
from automations.engine.declare import Param, register


@register
class AppointmentBooked(AppointmentTrigger):
    """A visit is entered, in whatever state; one that was entered in error at once never was."""

    key = "appointment.booked"
    label = _("Appointment booked")
    params = (
        Param(
            "first_only",
            "boolean",
            _("only the patient's first visit"),
            fact="appointment.is_first",
            help=_("Cancelled visits and those entered in error do not count."),
        ),
    )
    example = {"first_only": True}

    def fires(self, change: Any) -> bool:
        """Tell whether the appointment is new."""
        return bool(change.created and change.new["status"] != Appointment.Status.ENTERED_IN_ERROR)
