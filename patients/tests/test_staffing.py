"""A role becomes people when the step runs."""

from types import SimpleNamespace

import pytest

from patients import staffing
from tests.cast import make_member


def step(patient, *, pk=1, role="specialist", subject_type="patient", subject_id=0):
    return SimpleNamespace(
        id=pk,
        clinic_id=patient.clinic_id,
        patient_id=patient.pk,
        role=role,
        subject_type=subject_type,
        subject_id=subject_id,
    )


@pytest.fixture
def colleague(clinic):
    return make_member(clinic, "specialist", "dr-pop", "Dr. Paul Pop")


@pytest.fixture
def visits(monkeypatch):
    """Specialists of made-up visits, by id; the source also counts how often it is asked."""
    found: dict[int, int] = {}
    monkeypatch.setattr(staffing, "_sources", {"visit": lambda ids: {pk: found.get(pk) for pk in ids}})
    return found


def test_the_specialist_of_the_subject_comes_first(patient, specialist, colleague, visits):
    patient.specialist = specialist
    patient.save()
    visits[7] = colleague.pk

    found = staffing.specialists_for([step(patient, subject_type="visit", subject_id=7)])

    assert found == {1: (colleague, "")}


def test_then_the_specialist_of_the_patient(patient, specialist, visits):
    patient.specialist = specialist
    patient.save()

    found = staffing.specialists_for([step(patient, subject_type="visit", subject_id=7)])

    assert found == {1: (specialist, "")}


def test_between_the_two_comes_that_of_the_plan_which_the_patient_follows(patient, specialist, colleague, visits):
    patient.specialist = specialist
    patient.save()
    plans: dict[int, int] = {}
    staffing._sources["patient"] = lambda ids: {pk: plans.get(pk) for pk in ids}
    asked = step(patient, subject_type="visit", subject_id=7)
    assert staffing.specialists_for([asked]) == {1: (specialist, "")}
    plans[patient.pk] = colleague.pk
    assert staffing.specialists_for([asked]) == {1: (colleague, "")}
    assert staffing.specialists_for([step(patient)]) == {1: (colleague, "")}
    visits[7] = specialist.pk
    assert staffing.specialists_for([asked]) == {1: (specialist, "")}


def test_without_a_specialist_the_clinic_admins_get_it_and_it_says_so(patient, admin, front_desk):
    assert staffing.specialists_for([step(patient)]) == {1: (None, "no_specialist")}
    assert staffing.recipients_for([step(patient)]) == {1: staffing.Recipients((admin,), "no_specialist")}


@pytest.mark.parametrize("switch", ["membership", "login"])
def test_a_specialist_who_left_is_replaced_by_the_clinic_admins(patient, specialist, admin, switch):
    patient.specialist = specialist
    patient.save()
    gone = specialist if switch == "membership" else specialist.user
    gone.is_active = False
    gone.save()

    found = staffing.recipients_for([step(patient)])

    assert found == {1: staffing.Recipients((admin,), "specialist_inactive")}


def test_a_role_means_everybody_who_has_it_here(patient, front_desk, admin, stranger):
    second = make_member(front_desk.clinic, "front_desk", "fiona", "Fiona Front")

    found = staffing.recipients_for([step(patient, role="front_desk"), step(patient, pk=2, role="clinic_admins")])

    assert found[1].members == (front_desk, second)
    assert found[2].members == (admin,)


def test_a_slug_means_that_person(patient, front_desk, admin):
    found = staffing.recipients_for([step(patient, role="felix")])

    assert found == {1: staffing.Recipients((front_desk,))}


def test_a_slug_of_another_clinic_means_nobody_here(patient, admin, stranger):
    found = staffing.recipients_for([step(patient, role="stan")])

    assert found == {1: staffing.Recipients((admin,), "member_inactive")}


def test_a_person_with_two_memberships_gets_it_once(patient, admin):
    again = make_member(admin.clinic, "clinic_admin", "ada-two", "Ada")
    again.user, again.role = admin.user, "front_desk"
    again.save()

    found = staffing.recipients_for([step(patient, role="clinic_admins")])

    assert found == {1: staffing.Recipients((admin,))}


def test_a_large_batch_takes_as_many_queries_as_a_small_one(
    patient, specialist, admin, visits, django_assert_num_queries
):
    patient.specialist = specialist
    patient.save()
    batch = [step(patient, pk=pk, subject_type="visit", subject_id=pk) for pk in range(200)]

    with django_assert_num_queries(3):
        staffing.recipients_for(batch)


def test_a_kind_of_subject_has_one_source():
    def first(ids):
        return {}

    staffing.register_specialist_source("test-kind", first)
    try:
        staffing.register_specialist_source("test-kind", first)
        with pytest.raises(ValueError, match="found by"):
            staffing.register_specialist_source("test-kind", lambda ids: {})
    finally:
        staffing._sources.pop("test-kind")


def test_every_note_can_be_said_in_words():
    assert str(staffing.NOTES["no_specialist"]) == "There is no specialist, so this went to the clinic admins."
