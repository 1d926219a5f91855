"""A folded column says what its source says, whichever way the source was written."""

from __future__ import annotations

import pytest

from patients.models import Patient

pytestmark = pytest.mark.django_db


def _save(row: Patient) -> None:
    row.save()


def _save_some(row: Patient) -> None:
    row.save(update_fields=["city"])


def _bulk_update(row: Patient) -> None:
    Patient.objects.bulk_update([row], ["city"])


def _update(row: Patient) -> None:
    Patient.objects.filter(pk=row.pk).update(city=row.city)


@pytest.mark.parametrize("write", [_save, _save_some, _bulk_update, _update])
def test_every_write_folds(patient, write):
    assert patient.city_folded == "iasi"
    patient.city = "BRAȘOV"
    write(patient)
    assert Patient.objects.values_list("city", "city_folded").get(pk=patient.pk) == ("BRAȘOV", "brasov")


def test_inserting_in_bulk_folds(clinic):
    Patient.objects.bulk_create([Patient(clinic=clinic, given_name="Ana", city="Târgu Mureș")])
    assert Patient.objects.get().city_folded == "targu mures"


def test_what_folds_to_many_times_its_length_is_kept_whole(clinic):
    patient = Patient.objects.create(clinic=clinic, given_name="Ana", city="\ufdfa" * 200)
    assert len(Patient.objects.get(pk=patient.pk).city_folded) == 18 * 200
