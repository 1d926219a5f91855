"""The trigger `appointment.summary_released`."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from appointments.automation.base import AppointmentTrigger
from appointments.models import Appointment, VisitSummary
from automations.engine.declare import register


@register
class AppointmentSummaryReleased(AppointmentTrigger):
    """The specialist releases the summary of a visit to the patient. Writing the draft does not fire it."""

    key = "appointment.summary_released"
    label = _("Visit summary released")
    model = "appointments.VisitSummary"

    def fires(self, change: Any) -> bool:
        """Tell whether the summary came to be released now."""
        return bool(change.became("status", VisitSummary.Status.RELEASED))

    def subject_id(self, change: Any) -> Any:
        """Give the visit that the summary is of."""
        return change.instance.appointment_id

    def snapshot(self, change: Any) -> Mapping[str, Any]:
        """Give the visit as it is at the release; its state is left out, for the change is one of the summary's."""
        visit = change.instance.appointment
        return {name: getattr(visit, name) for name in Appointment.snapshot if name != "status"}
