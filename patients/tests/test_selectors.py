"""Who reads what is sent to a patient."""

from datetime import UTC, date, datetime

import pytest

from patients import selectors, services

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def mother(patient):
    return services.add_contact(patient, name="Dana", relation="mother", email="dana@x.example", gets_messages=True)


def born(patient, day):
    return services.update(patient, birth_date=day)


def test_an_adult_reads_their_own_messages(patient, mother):
    assert selectors.message_recipients(patient, NOON) == [patient]


def test_for_a_child_the_contacts_who_get_messages_read_them(patient, mother):
    services.add_contact(patient, name="Uncle", relation="uncle", email="u@x.example")

    assert selectors.message_recipients(born(patient, date(2015, 1, 1)), NOON) == [mother]


def test_a_child_without_such_a_contact_has_no_reader(patient):
    assert selectors.message_recipients(born(patient, date(2015, 1, 1)), NOON) == []


def test_the_sixteenth_birthday_is_the_clinics_local_one(patient, mother):
    child = born(patient, date(2010, 11, 25))

    assert selectors.message_recipients(child, datetime(2026, 11, 24, 21, 59, tzinfo=UTC)) == [mother]
    assert selectors.message_recipients(child, datetime(2026, 11, 24, 22, 1, tzinfo=UTC)) == [child]


def test_the_clinic_sets_the_age(patient, mother):
    patient.clinic.age_of_consent = 18
    patient.clinic.save()

    assert selectors.message_recipients(born(patient, date(2009, 1, 1)), NOON) == [mother]


def test_an_unknown_age_is_an_adults(patient, mother):
    assert selectors.message_recipients(born(patient, None), NOON) == [patient]


def test_many_patients_take_one_query(patient, mother, django_assert_num_queries):
    child = born(patient, date(2015, 1, 1))

    with django_assert_num_queries(1):
        found = selectors.message_recipients_for([child], NOON)

    assert found == {patient.pk: [mother]}
