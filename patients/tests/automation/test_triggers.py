"""What a patient's record tells rules, and when it tells them nothing."""

from datetime import date

import pytest

from automations.models import Event
from clinic.clock import now
from clinic.db import silently
from patients import services
from patients.models import Patient


def events(trigger):
    return list(Event.objects.filter(trigger=trigger).values_list("patient_id", flat=True))


def test_registering_a_patient_is_told_once(clinic):
    patient = services.register(clinic=clinic, given_name="Ana", family_name="Pop")
    patient.phone = "+40 1"
    patient.save()

    assert events("patient.onboarded") == [patient.pk]


def test_coming_back_is_not_onboarding(patient):
    services.archive(patient)
    services.reactivate(patient)

    assert events("patient.onboarded") == [patient.pk]


def test_a_silent_registration_tells_nothing(clinic):
    with silently("import"):
        services.register(clinic=clinic, given_name="Ana")

    assert events("patient.onboarded") == []


def test_a_bulk_registration_tells_each(clinic):
    people = Patient.objects.bulk_create([Patient(clinic=clinic, given_name=name) for name in ("Ana", "Ion")])

    assert sorted(events("patient.onboarded")) == sorted(one.pk for one in people)


@pytest.mark.parametrize(
    "leave",
    [
        services.archive,
        services.discharge,
        lambda patient: services.mark_deceased(patient, on=now().date()),
    ],
)
def test_leaving_is_told_once_and_never_starts_a_rule(patient, leave):
    leave(patient)
    leave(patient)

    assert events("patient.left") == [patient.pk]
    assert Event.objects.get(trigger="patient.left").state == "matched"


def test_leaving_twice_over_is_one_leaving(patient):
    services.discharge(patient)
    services.archive(patient)
    services.mark_deceased(patient, on=date(2026, 1, 5))

    assert events("patient.left") == [patient.pk]


def test_a_patient_who_came_back_can_leave_again(patient):
    services.archive(patient)
    services.reactivate(patient)
    services.discharge(patient)

    assert events("patient.left") == [patient.pk, patient.pk]


def test_other_changes_are_no_leaving(patient):
    services.update(patient, language="ro", tags=["vip"])

    assert events("patient.left") == []
