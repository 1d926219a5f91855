"""What the triggers of forms share: whose they are, which form they may ask for, what stops their rules."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Param, Trigger

STOPS = ("form.signed", "form.voided", "patient.left")


def stops_for(key: str) -> tuple[str, ...]:
    """Return what stops the rules of this trigger unless they say otherwise; never the trigger itself."""
    return tuple(stop for stop in STOPS if stop != key)


class FormTrigger(Trigger):
    """A form request came to one of some states."""

    subject = "form"
    model = "forms_app.FormRequest"
    params: ClassVar[tuple[Param, ...]] = (
        Param("form", "reference", _("only this form"), reference="form", fact="form.template"),
    )
    stop_on: ClassVar[tuple[str, ...]] = STOPS
    statuses: ClassVar[tuple[str, ...]] = ()

    def fires(self, change: Any) -> bool:
        """Tell whether the request came to one of the states now."""
        return any(change.became("status", status) for status in self.statuses)
