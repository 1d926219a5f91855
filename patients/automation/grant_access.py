"""The action `grant_access`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Action, Param, register
from automations.engine.moments import shift
from automations.engine.values import StepContext
from patients import services
from patients.automation.base import performed
from patients.models import Feature, Patient


@register
class GrantAccess(Action):
    """Unlock a feature for the patient. Unlocked already, it reaches to the later of both ends."""

    key = "grant_access"
    label = _("Grant access")
    phrase = _("grant access to %(feature)s")
    extras = {"days": _("for %(days)s day(s)")}
    params = (
        Param("feature", "choice", _("feature"), required=True, choices=Feature.choices),
        Param("days", "integer", _("days"), minimum=1, maximum=3650, help=_("Empty: without end.")),
    )
    example = {"feature": "telerehab", "days": 90}
    alters = ("patient.access",)

    def perform(self, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        """Grant each step's feature."""
        return performed(steps, _grant)


def _grant(patient: Patient, step: StepContext) -> dict[str, Any]:
    grant = services.grant_access(
        patient, feature=step.params["feature"], until=_until(step, patient), source_step_id=step.id
    )
    return {"grant": str(grant.pk), "until": grant.expires_at and grant.expires_at.isoformat()}


def _until(step: StepContext, patient: Patient) -> datetime | None:
    """Return the same time of day that many days on, on the clinic's calendar."""
    days = step.params.get("days")
    return None if days is None else shift(step.now, int(days), "days", ZoneInfo(patient.clinic.time_zone))
