"""The trigger `appointment.no_show`."""

from django.utils.translation import gettext_lazy as _

from appointments.automation.base import StateTrigger, stops_for
from appointments.models import Appointment
from automations.engine.declare import register


@register
class AppointmentNoShow(StateTrigger):
    """The patient did not come to a booked or confirmed visit."""

    key = "appointment.no_show"
    label = _("Appointment missed")
    status = Appointment.Status.NO_SHOW
    stop_on = stops_for(key)
