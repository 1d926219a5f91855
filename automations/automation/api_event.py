"""The trigger `api.event`, and the facts about what an integrator sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Fact, FactType, Param, Trigger, register
from automations.named_events import NAME


@register
class ApiEvent(Trigger):
    """Another system says through the API that something named has happened to a patient, and sends data along."""

    key = "api.event"
    label = _("Event from another system")
    params = (
        Param(
            "name",
            "text",
            _("name of the event"),
            required=True,
            max_length=60,
            fact="api.name",
            help=_("Exactly as the other system names it: small letters, digits, dots, dashes."),
        ),
    )
    example = {"name": "wearable.steps-low"}

    def problems(self, config: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Refuse a name that no event can have."""
        if NAME.fullmatch(config["name"]):
            return ()
        return (("name", gettext("Use small letters, digits, dots, dashes and underscores; begin with a letter.")),)


register(
    Fact(
        key="api.name",
        label=_("Name of the event"),
        type=FactType.choice,
        doc=_("What the other system calls it, exactly."),
        example={"field": "api.name", "op": "is_any_of", "value": ["wearable.steps-low"]},
        subject="event",
        triggers=("api.event",),
        value=lambda view: view.data.get("name"),
    )
)
register(
    Fact(
        key="event.*",
        label=_("Anything that was sent"),
        type=FactType.any,
        doc=_(
            "A value of the data, by its name: “event.steps”. The operator says whether a number, a text, … is meant."
        ),
        example={"field": "event.steps", "op": "lt", "value": 1000},
        subject="event",
        triggers=("api.event",),
        sensitive=True,
        family=True,
        value=lambda view: view.data.get("sent", {}),
    )
)
