"""The trigger `schedule.date`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import FactType, LateChoices, Param, Trigger, catalog, register


def _dates() -> Iterator[tuple[str, Any]]:
    """List the dates of a patient: every fact of that type which can be asked without more ado."""
    for key, fact in sorted(catalog.facts.items()):
        plain = fact.expression is not None and not any(param.required for param in fact.params)
        if fact.subject == "patient" and fact.type is FactType.date and plain:
            yield key, fact.label


@register
class ScheduleDate(Trigger):
    """A date of the patient's comes: on the day, or so many days, weeks or months before or after it.

    A date of birth comes round every year (born on 29 February: on 1 March in a common year), any other date once. A
    date that is written down when its moment has passed already does not count.
    """

    key = "schedule.date"
    label = _("A date comes")
    params = (
        Param("field", "choice", _("date"), required=True, choices=LateChoices(_dates)),
        Param(
            "offset",
            "offset",
            _("how much later"),
            default={"amount": 0, "unit": "days"},
            help=_("A negative number: that much earlier."),
        ),
        Param("at", "time", _("at"), default="09:00", help=_("The clinic's local time.")),
    )
    example = {"field": "patient.last_appointment_at", "offset": {"amount": 6, "unit": "months"}, "at": "09:00"}
