"""The trigger `appointment.started`."""

from django.utils.translation import gettext_lazy as _

from appointments.automation.base import ForwardTrigger
from appointments.models import Appointment
from automations.engine.declare import register


@register
class AppointmentStarted(ForwardTrigger):
    """The visit begins: the patient has arrived and is being seen."""

    key = "appointment.started"
    label = _("Appointment started")
    status = Appointment.Status.IN_PROGRESS
