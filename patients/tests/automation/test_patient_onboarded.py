"""The trigger `patient.onboarded`."""

from automations.models import Event
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
