"""What COPY refuses arrives as Django's own error, so that callers who wait for it are told."""

from __future__ import annotations

import pytest
from django.db import DataError, IntegrityError, transaction

from clinic.bulk import WORTH_IT
from patients.models import Patient

pytestmark = pytest.mark.django_db


def people(clinic, **last) -> list[Patient]:
    rows = [Patient(clinic=clinic, given_name="Ana", external_id=f"p{n}") for n in range(WORTH_IT)]
    return [*rows, Patient(**{"clinic": clinic, "given_name": "Ana", "external_id": "last"} | last)]


@pytest.mark.parametrize(
    ("wrong", "error"), [({"external_id": "p0"}, IntegrityError), ({"phone": "1" * 41}, DataError)]
)
def test_a_row_that_breaks_a_rule_refuses_all(clinic, wrong, error):
    with pytest.raises(error), transaction.atomic():
        Patient.objects.bulk_create(people(clinic, **wrong))
    assert not Patient.objects.exists()
    assert len(Patient.objects.bulk_create(people(clinic))) == WORTH_IT + 1
