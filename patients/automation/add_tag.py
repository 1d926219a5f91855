"""The action `add_tag`."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Action, Param, register
from automations.engine.values import StepContext
from patients import services
from patients.automation.base import performed
from patients.models import Patient


@register
class AddTag(Action):
    """Pin a word to the patient. Pinned already: nothing happens."""

    key = "add_tag"
    label = _("Add a tag")
    phrase = _("add the tag “%(tag)s”")
    params = (Param("tag", "text", _("tag"), required=True, max_length=50),)
    example = {"tag": "needs-call"}
    alters = ("patient.tags",)

    def perform(self, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        """Add each step's tag."""
        return performed(steps, _add)


def _add(patient: Patient, step: StepContext) -> dict[str, Any]:
    services.add_tag(patient, tag=step.params["tag"], source_step_id=step.id)
    return {"tag": step.params["tag"]}
