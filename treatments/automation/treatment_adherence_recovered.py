"""The trigger `treatment.adherence_recovered`."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Param, register
from treatments.automation.base import USUAL_PERCENT, WeekTrigger, before


@register
class TreatmentAdherenceRecovered(WeekTrigger):
    """A closed week's adherence is at the threshold or above, and that of the evaluated week before was below."""

    key = "treatment.adherence_recovered"
    label = _("Adherence recovered")
    stop_on = ("treatment.ended", "treatment.adherence_dropped", "patient.left")
    params = (Param("at_percent", "number", _("at or above (%)"), required=True, minimum=1, maximum=100),)
    example = {"at_percent": 80}

    def fires(self, change: Any) -> bool:
        """Tell whether the week came to more than the one before."""
        earlier = before(change)
        return earlier is not None and change.new["percent"] > earlier

    def crossed(self, config: Mapping[str, Any], current: float, previous: float | None) -> bool:
        """Tell whether the week before was below, and this one is not."""
        return previous is not None and previous < config["at_percent"] <= current

    def stops(self, config: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
        """Tell whether this week is back at or above the other rule's threshold; without one, whether it crossed."""
        if "below_percent" in config:
            return bool(data["adherence"] >= config["below_percent"])
        own = {"at_percent": config.get("at_percent", USUAL_PERCENT)}
        return self.crossed(own, data["adherence"], data.get("previous_adherence"))
