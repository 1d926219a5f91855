"""The trigger `patient.onboarded`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Trigger, register


@register
class PatientOnboarded(Trigger):
    """A patient is registered at the clinic: once a patient, never on saving again or on coming back."""

    key = "patient.onboarded"
    label = _("Patient onboarded")
    subject = "patient"
    model = "patients.Patient"
    existing = True
    once = True
    example = {}

    def fires(self, change: Any) -> bool:
        """Tell whether the patient is new."""
        return bool(change.created)
