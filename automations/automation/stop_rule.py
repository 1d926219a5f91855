"""The action `stop_rule`, and rules as something that a rule may name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations import stopping
from automations.engine.declare import Action, Param, Reference, register
from automations.engine.values import StepContext
from automations.models import Rule

IN_USE = [mode for mode in Rule.Mode.values if mode != Rule.Mode.ARCHIVED]

register(Reference("rule", _("Rule"), "automations.Rule", {"mode__in": IN_USE}))


@register
class StopRule(Action):
    """Stop what another rule still plans for the patient, and withdraw its messages that have not left yet.

    The other rule stays on and answers what happens from now on. A rule may name itself: its later steps are stopped.
    """

    key = "stop_rule"
    label = _("Stop another rule")
    phrase = _("stop the rule “%(rule)s” for the patient")
    params = (Param("rule", "reference", _("rule"), required=True, reference="rule"),)
    example = {"rule": "appointment-preparation"}

    def perform(self, steps: Sequence[StepContext]) -> dict[Any, dict[str, Any]]:
        """Cancel the steps."""
        return {
            step.id: {"stopped": stopping.stop_rule(step.patient_id, step.params["rule"], by=step.id)} for step in steps
        }
