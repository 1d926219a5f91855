"""The action `assign_specialist`."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.permissions import Role
from automations.engine.declare import Action, Param, register
from automations.engine.values import EffectError, StepContext
from patients import services
from patients.automation.base import performed
from patients.models import Patient


@register
class AssignSpecialist(Action):
    """Give the patient to a specialist. Theirs already: nothing happens."""

    key = "assign_specialist"
    label = _("Assign a specialist")
    phrase = _("give the patient to “%(specialist)s”")
    params = (Param("specialist", "reference", _("specialist"), required=True, reference="specialist"),)
    example = {"specialist": "dr-ionescu"}
    alters = ("patient.specialist",)

    def perform(self, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        """Assign each step's specialist."""
        found = _specialists(steps)

        def assign(patient: Patient, step: StepContext) -> dict[str, Any]:
            member = found[step.clinic_id, step.params["specialist"]]
            services.assign_specialist(patient, specialist=member, source_step_id=step.id)
            return {"specialist": member.slug}

        return performed(steps, assign)


def _specialists(steps: Sequence[StepContext]) -> Mapping[tuple[Any, str], Membership]:
    """Find the specialists that the steps name. Raises EffectError for one who is not there or works here no more."""
    wanted = {(step.clinic_id, step.params["specialist"]) for step in steps}
    rows = Membership.objects.filter(
        clinic_id__in={clinic_id for clinic_id, _slug in wanted},
        slug__in={slug for _clinic_id, slug in wanted},
        role=Role.SPECIALIST,
        is_active=True,
    )
    found = {(row.clinic_id, row.slug): row for row in rows}
    for clinic_id, slug in wanted:
        if (clinic_id, slug) not in found:
            message = gettext("There is no specialist “%(slug)s” who works here now.") % {"slug": slug}
            raise EffectError(message, permanent=True, rule_error=True)
    return found
