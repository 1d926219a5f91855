"""The stop-only key `patient.left`."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Trigger, register


def _active(values: Mapping[str, Any]) -> bool:
    return values["status"] == "active" and values["deceased_on"] is None


@register
class PatientLeft(Trigger):
    """A patient is archived, discharged or has died: everything pending of theirs is stopped.

    No rule starts from it.
    """

    key = "patient.left"
    label = _("Patient left")
    subject = "patient"
    model = "patients.Patient"
    stop_only = True
    example = {}

    def fires(self, change: Any) -> bool:
        """Tell whether an active patient no longer is one."""
        return not change.created and _active(change.old) and not _active(change.new)
