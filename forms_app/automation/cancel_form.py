"""The action `cancel_form`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Action, Param, register
from automations.engine.values import StepContext
from forms_app import services
from forms_app.automation.require_form import abouts
from forms_app.lifecycle import Unwanted


@register
class CancelForm(Action):
    """Take back an open request for a form, so that nobody asks for it any more.

    What was signed or answered stays. In a rule about an appointment, forms of the patient's other appointments stay.
    """

    key = "cancel_form"
    label = _("Cancel a form")
    phrase = _("cancel the form “%(form)s”")
    params = (Param("form", "reference", _("form"), required=True, reference="form"),)
    example = {"form": "satisfaction-survey"}
    alters = ("patient.outstanding_forms",)

    def perform(self, steps: Sequence[StepContext]) -> dict[Any, dict[str, Any]]:
        """Void the requests."""
        about = abouts(steps)
        unwanted = [Unwanted(step.patient_id, step.params["form"], *about[step.id], step.id) for step in steps]
        voided = services.cancel_open(unwanted, reason="cancelled_by_rule")
        return {
            step.id: {"voided": [str(row.pk) for row in voided if row.caused_by_step_id == step.id]}  # type: ignore[attr-defined]
            for step in steps
        }
