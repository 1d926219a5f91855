"""The trigger `treatment.adherence_dropped`."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Param, register
from treatments.automation.base import USUAL_PERCENT, WeekTrigger, before


@register
class TreatmentAdherenceDropped(WeekTrigger):
    """A closed week's adherence is below the threshold, and that of the evaluated week before was not."""

    key = "treatment.adherence_dropped"
    label = _("Adherence dropped")
    stop_on = ("treatment.ended", "treatment.adherence_recovered", "patient.left")
    params = (
        Param("below_percent", "number", _("below (%)"), required=True, minimum=1, maximum=100),
        Param(
            "include_first_week",
            "boolean",
            _("the first week too"),
            default=True,
            help=_("The first evaluated week of a plan counts as a drop if it is below."),
        ),
    )
    example = {"below_percent": 50}

    def fires(self, change: Any) -> bool:
        """Tell whether the week came to less than the one before; with none before it, to less than all."""
        earlier = before(change)
        return bool(change.new["percent"] < (100 if earlier is None else earlier))

    def crossed(self, config: Mapping[str, Any], current: float, previous: float | None) -> bool:
        """Tell whether the week before was not below, and this one is; 50 % is not below 50 %."""
        if current >= config["below_percent"]:
            return False
        return bool(config.get("include_first_week", True)) if previous is None else previous >= config["below_percent"]

    def stops(self, config: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
        """Tell whether this week is below what the other rule asks for; if it asks for nothing, whether it crossed."""
        if "at_percent" in config:
            return bool(data["adherence"] < config["at_percent"])
        own = {"below_percent": config.get("below_percent", USUAL_PERCENT)}
        return self.crossed(own, data["adherence"], data.get("previous_adherence"))
