"""What the tests of who may see what share."""

import pytest

from patients.models import Patient
from tests.rows import clinic_models
from tests.security.foreign import Foreign


@pytest.fixture
def foreign(other_clinic, clinic, admin, specialist, front_desk, patient):
    """One row of every kind in the other clinic, and of every kind at home."""
    rows = Foreign(other_clinic)
    for model in clinic_models():
        rows.of(model, clinic)
    Patient.objects.update(time_zone="")
    found = {model: rows.of(model, other_clinic) for model in clinic_models()}
    for model, row in found.items():
        if any(field.name == "external_id" for field in model._meta.concrete_fields):
            model._base_manager.filter(pk=row.pk).update(external_id="FOREIGN-1")
    return found
