"""The action `remove_tag`."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Action, Param, register
from automations.engine.values import StepContext
from patients import services
from patients.automation.base import performed
from patients.models import Patient


@register
class RemoveTag(Action):
    """Take a word off the patient. Not there: nothing happens."""

    key = "remove_tag"
    label = _("Remove a tag")
    phrase = _("remove the tag “%(tag)s”")
    params = (Param("tag", "text", _("tag"), required=True, max_length=50),)
    example = {"tag": "needs-call"}
    alters = ("patient.tags",)

    def perform(self, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        """Take off each step's tag."""
        return performed(steps, _remove)


def _remove(patient: Patient, step: StepContext) -> dict[str, Any]:
    """The patient is locked, so the tags that are read are those that are written."""
    gone = step.params["tag"]
    left = [tag for tag in patient.tags if tag != gone]
    services.update(patient, tags=left, source_step_id=step.id)
    return {"tag": gone}
