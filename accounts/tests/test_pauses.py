"""Stop switches: what is paused, what is refused, and that a refusal changes nothing."""

import pytest

from accounts import selectors, services
from accounts.actor import acting_as
from accounts.models import AuditEntry, Pause
from accounts.tests.test_services import actions, person
from automations.models import Rule
from clinic.errors import ClinicError, Refused


def test_pause_all_stops_the_clinic_and_no_other(clinic, other_clinic, admin):
    with acting_as(person(admin)):
        pause = services.pause(clinic=clinic, scope="clinic", why="Fire drill")

    assert (pause.target_id, pause.why, pause.created_by) == (None, "Fire drill", admin.user)
    assert selectors.is_paused(clinic)
    assert selectors.is_paused(clinic, rule_id=1, patient_id=2)
    assert not selectors.is_paused(other_clinic)
    assert actions() == ["pause.started"]


def test_pausing_twice_is_pausing_once_and_it_ends_once(clinic):
    first = services.pause(clinic=clinic, scope="clinic", why="One")
    assert services.pause(clinic=clinic, scope="clinic", why="Two") == first

    ended = services.end_pause(first)
    again = services.end_pause(first)

    assert ended.ended_at == again.ended_at
    assert not selectors.is_paused(clinic)
    assert actions() == ["pause.started", "pause.ended"]
    assert services.pause(clinic=clinic, scope="clinic", why="Three") != first


def test_a_patients_pause_stops_that_patient_only(clinic, patient, front_desk):
    with acting_as(person(front_desk)):
        services.pause(clinic=clinic, scope="patient", target=patient, why="Asked for it")

    assert selectors.is_paused(clinic, patient_id=patient.pk)
    assert not selectors.is_paused(clinic, patient_id=patient.pk + 1)
    assert not selectors.is_paused(clinic, rule_id=patient.pk)
    assert not selectors.is_paused(clinic)
    assert AuditEntry.objects.get().patient_id == patient.pk


def test_a_rules_pause_stops_that_rule_only(clinic, admin):
    rule = Rule.objects.create(clinic=clinic, slug="r", name="R")

    services.pause(clinic=clinic, scope="rule", target=rule.pk, why="Too many")

    assert selectors.is_paused(clinic, rule_id=rule.pk, patient_id=7)
    assert not selectors.is_paused(clinic, rule_id=rule.pk + 1)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"scope": "planet"}, "scope"),
        ({"scope": "clinic", "target": 1}, "target"),
        ({"scope": "patient"}, "target"),
        ({"scope": "rule", "target": 999_999}, "target"),
        ({"scope": "clinic", "why": " "}, "why"),
    ],
)
def test_a_wrong_pause_is_refused(clinic, fields, path):
    with pytest.raises(ClinicError) as refusal:
        services.pause(clinic=clinic, **{"why": "Because", **fields})

    assert refusal.value.path == path
    assert not Pause.objects.exists()


def test_another_clinics_patient_is_not_paused_from_here(clinic, stranger_patient):
    with pytest.raises(ClinicError) as refusal:
        services.pause(clinic=clinic, scope="patient", target=stranger_patient, why="x")

    assert refusal.value.code == "not_found"
    assert not Pause.objects.exists()


@pytest.mark.parametrize("who", ["specialist", "front_desk", "stranger"])
def test_only_the_clinics_admin_stops_everything(clinic, who, request):
    with acting_as(person(request.getfixturevalue(who))), pytest.raises(Refused):
        services.pause(clinic=clinic, scope="clinic", why="x")

    assert not selectors.is_paused(clinic)


def test_a_stranger_ends_no_pause(clinic, stranger):
    pause = services.pause(clinic=clinic, scope="clinic", why="x")

    with acting_as(person(stranger)), pytest.raises(Refused):
        services.end_pause(pause)

    assert selectors.is_paused(clinic)


def test_the_pauses_of_a_batch_take_one_query(clinic, other_clinic, django_assert_num_queries):
    services.pause(clinic=clinic, scope="clinic", why="x")

    with django_assert_num_queries(1):
        pauses = selectors.pauses_in_force([clinic.pk, other_clinic.pk])
        assert [pauses.stop(pk, patient_id=1) for pk in (clinic.pk, other_clinic.pk)] == [True, False]
