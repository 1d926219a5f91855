"""The action `revoke_access`."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Action, Param, register
from automations.engine.values import StepContext
from patients import services
from patients.automation.base import performed
from patients.models import Feature, Patient


@register
class RevokeAccess(Action):
    """Lock a feature again. Not unlocked: nothing happens."""

    key = "revoke_access"
    label = _("Revoke access")
    phrase = _("revoke access to %(feature)s")
    params = (Param("feature", "choice", _("feature"), required=True, choices=Feature.choices),)
    example = {"feature": "telerehab"}
    alters = ("patient.access",)

    def perform(self, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        """Revoke each step's feature."""
        return performed(steps, _revoke)


def _revoke(patient: Patient, step: StepContext) -> dict[str, Any]:
    ended = services.revoke_access(patient, feature=step.params["feature"], source_step_id=step.id)
    return {"grant": str(ended.pk) if ended else None}
