"""The trigger `appointment.cancelled`."""

from django.utils.translation import gettext_lazy as _

from appointments.automation.base import StateTrigger, stops_for
from appointments.models import Appointment
from automations.engine.declare import register


@register
class AppointmentCancelled(StateTrigger):
    """The visit is called off, by whomever, before it was completed."""

    key = "appointment.cancelled"
    label = _("Appointment cancelled")
    status = Appointment.Status.CANCELLED
    stop_on = stops_for(key)
