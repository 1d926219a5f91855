"""The trigger `appointment.completed`."""

from django.utils.translation import gettext_lazy as _

from appointments.automation.base import StateTrigger
from appointments.models import Appointment
from automations.engine.declare import register


@register
class AppointmentCompleted(StateTrigger):
    """The visit is over. A visit recorded afterwards as completed fires it too."""

    key = "appointment.completed"
    label = _("Appointment completed")
    status = Appointment.Status.COMPLETED
