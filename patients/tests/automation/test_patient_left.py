"""The stop-only key `patient.left`."""

from datetime import date

import pytest

from automations.models import Event
from clinic.clock import now
from patients import services


def events(trigger):
    return list(Event.objects.filter(trigger=trigger).values_list("patient_id", flat=True))


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
