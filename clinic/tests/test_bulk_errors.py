"""What COPY refuses arrives as Django's own error, so that callers who wait for it are told."""

from __future__ import annotations

from datetime import date

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


def test_an_update_of_many_rows_refuses_what_is_too_long_and_changes_nothing(clinic):
    rows = Patient.objects.bulk_create([Patient(clinic=clinic, given_name=f"P{n}") for n in range(20)])
    for row in rows:
        row.sex = "far longer than ten letters"
    with pytest.raises(DataError), transaction.atomic():
        Patient.objects.bulk_update(rows, ["sex"])
    assert set(Patient.objects.values_list("sex", "revision")) == {("unknown", 1)}


def test_an_update_of_many_rows_writes_each_its_own_values(clinic):
    rows = Patient.objects.bulk_create([Patient(clinic=clinic, given_name=f"P{n}") for n in range(20)])
    for number, row in enumerate(rows):
        row.city, row.birth_date = f"Iași {number}", date(1990, 1, 1 + number)
    assert Patient.objects.bulk_update(rows, ["city", "birth_date"]) == 20
    stored = list(Patient.objects.order_by("pk").values_list("city", "city_folded", "birth_date", "revision"))
    assert stored == [(f"Iași {n}", f"iasi {n}", date(1990, 1, 1 + n), 2) for n in range(20)]
