"""The stop-only trigger `treatment.ended`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from treatments.automation.base import TreatmentTrigger
from treatments.lifecycle import ENDED


@register
class TreatmentEnded(TreatmentTrigger):
    """A plan ends, completed or cancelled: no rule starts from it, what was planned for the plan stops."""

    key = "treatment.ended"
    label = _("Treatment ended")
    stop_only = True
    stop_on = ()

    def fires(self, change: Any) -> bool:
        """Tell whether the plan came to an end now."""
        return any(change.became("status", status) for status in ENDED)
