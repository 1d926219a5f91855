"""What the actions about patients share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

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
