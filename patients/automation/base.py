"""What the actions about patients share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Action, Param
from automations.engine.values import EffectError, StepContext
from clinic.errors import ClinicError
from patients.models import Patient

Do = Callable[[Patient, StepContext], dict[str, Any]]


def performed(steps: Sequence[StepContext], do: Do) -> Mapping[Any, dict[str, Any]]:
    """Call a service for each step's patient; what it refuses can never succeed. Raises EffectError."""
    patients = Patient.objects.select_related("clinic").in_bulk({step.patient_id for step in steps})
    try:
        return {step.id: do(patients[step.patient_id], step) for step in steps}
    except ClinicError as error:
        raise EffectError(error.message, permanent=True) from error


class TagAction(Action):
    """What is done with one word of the patient's tags."""

    params = (Param("tag", "text", _("tag"), required=True, max_length=50),)
    example = {"tag": "needs-call"}
    alters = ("patient.tags",)

    def perform(self, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        """Do it with each step's tag."""
        return performed(steps, self._done)

    def _done(self, patient: Patient, step: StepContext) -> dict[str, Any]:
        tag = step.params["tag"]
        self.change(patient, tag=tag, source_step_id=step.id)
        return {"tag": tag}

    def change(self, patient: Patient, *, tag: str, source_step_id: int) -> Any:
        """Call the service."""
        raise NotImplementedError(f"{type(self).__name__} does not say what is done with a tag.")
