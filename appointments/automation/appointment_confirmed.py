"""The trigger `appointment.confirmed`."""

from django.utils.translation import gettext_lazy as _

from appointments.automation.base import ForwardTrigger
from appointments.models import Appointment
from automations.engine.declare import register


@register
class AppointmentConfirmed(ForwardTrigger):
    """Staff confirm that the patient will come. A visit completed without being confirmed does not fire it."""

    key = "appointment.confirmed"
    label = _("Appointment confirmed")
    status = Appointment.Status.CONFIRMED
