"""The stop-only trigger `appointment.voided`."""

from django.utils.translation import gettext_lazy as _

from appointments.automation.base import StateTrigger
from appointments.models import Appointment
from automations.engine.declare import register


@register
class AppointmentVoided(StateTrigger):
    """A visit turns out to have been entered in error: no rule starts from it, all that was planned for it stops."""

    key = "appointment.voided"
    label = _("Appointment entered in error")
    status = Appointment.Status.ENTERED_IN_ERROR
    stop_only = True
    stop_on = ()
