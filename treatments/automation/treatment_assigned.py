"""The trigger `treatment.assigned`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from treatments.automation.base import TreatmentTrigger
from treatments.models import TreatmentPlan

Status = TreatmentPlan.Status


@register
class TreatmentAssigned(TreatmentTrigger):
    """A plan is given to a patient. Writing a draft does not fire it, nor does going on after a pause."""

    key = "treatment.assigned"
    label = _("Treatment assigned")

    def fires(self, change: Any) -> bool:
        """Tell whether the plan became active, and not from a pause."""
        begun = change.became("status", Status.ACTIVE)
        return bool(begun and (change.created or change.old["status"] != Status.PAUSED))
