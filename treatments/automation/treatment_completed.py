"""The trigger `treatment.completed`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from treatments.automation.base import TreatmentTrigger
from treatments.models import TreatmentPlan


@register
class TreatmentCompleted(TreatmentTrigger):
    """A plan ends because the patient has done what was to be done."""

    key = "treatment.completed"
    label = _("Treatment completed")
    stop_on = ("patient.left",)  # its own end is what such a rule starts from

    def fires(self, change: Any) -> bool:
        """Tell whether the plan was completed now."""
        return bool(change.became("status", TreatmentPlan.Status.COMPLETED))
