"""Finding a patient by what somebody at the desk knows of them, and seeing that they are registered already."""

from datetime import date

import pytest

from accounts.models import AuditEntry
from patients import selectors, services
from patients.models import Patient


@pytest.fixture
def people(clinic, other_clinic, patient):
    """Maria Marin, A-17, and those who are easily mistaken for her."""
    make = Patient.objects.create
    return {
        "maria": patient,
        "stefan": make(
            clinic=clinic, given_name="Ștefan", family_name="Țăranu-Müller", phone="+40 722-111 222", external_id="B/9"
        ),
        "mara": make(clinic=clinic, given_name="Mara", family_name="Ionescu", phone="0722 333 444"),
        "elsewhere": make(clinic=other_clinic, given_name="Maria", family_name="Marin"),
    }


def found(clinic, text):
    rows = selectors.search(Patient.objects.for_clinic(clinic), text).order_by("pk")
    return [one.given_name for one in rows]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("maria", ["Maria"]),
        ("MARIN maria", ["Maria"]),
        ("stefan", ["Ștefan"]),
        ("ȘTEFAN taranu", ["Ștefan"]),
        ("muller", ["Ștefan"]),
        ("mar", ["Maria", "Mara"]),
        ("ma", ["Maria", "Mara"]),
        ("m i", ["Mara"]),
        ("ra", []),
        ("a-17", ["Maria"]),
        ("b/9", ["Ștefan"]),
        ("0722 111 222", ["Ștefan"]),
        ("+40722111222", ["Ștefan"]),
        ("(0722) 333-444", ["Mara"]),
        ("0722", ["Ștefan", "Mara"]),
        ("maria ionescu", []),
        ("%", []),
        ("_a", []),
        ("\0", ["Maria", "Ștefan", "Mara"]),
        ("  ", ["Maria", "Ștefan", "Mara"]),
    ],
)
def test_a_patient_is_found_by_name_phone_or_external_id(clinic, people, text, names):
    assert found(clinic, text) == names


def test_a_patient_is_found_by_our_own_id(clinic, people):
    Patient.objects.update(phone="")  # an id may be a part of somebody's number
    assert found(clinic, str(people["stefan"].pk)) == ["Ștefan"]
    assert found(clinic, str(people["elsewhere"].pk)) == []
    assert found(clinic, "9" * 30) == []


def test_what_is_searched_follows_every_way_of_writing(clinic, people):
    services.update(people["mara"], family_name="Știrbu")
    assert found(clinic, "stirbu") == ["Mara"]

    Patient.objects.filter(pk=people["mara"].pk).update(family_name="Crăciun", phone="123 456")
    assert found(clinic, "craciun") == ["Mara"]
    assert found(clinic, "123456") == ["Mara"]
    assert found(clinic, "stirbu") == []

    Patient.objects.bulk_create([Patient(clinic=clinic, given_name=f"Übung{n}") for n in range(20)])
    assert len(found(clinic, "ubung")) == 20


# --- registered already? ---


def alike(clinic, **known):
    return [one.given_name for one in selectors.lookalikes(clinic, **known)]


def test_the_same_name_and_date_of_birth_is_the_same_person(clinic, people):
    born = date(1957, 3, 2)
    assert alike(clinic, given_name="maria", family_name="MARIN", birth_date=born) == ["Maria"]
    assert alike(clinic, given_name="Marin", family_name="Maria", birth_date=born) == ["Maria"]
    assert alike(clinic, given_name="Maria", family_name="Marin", birth_date=date(1957, 3, 3)) == []
    assert alike(clinic, given_name="Maria", family_name="Marin") == []


def test_the_same_email_is_the_same_person(clinic, people):
    assert alike(clinic, given_name="Somebody", email="MARIA@patients.example") == ["Maria"]
    assert alike(clinic, given_name="Somebody", email="") == []


def test_registering_somebody_who_looks_known_is_refused_until_they_were_seen(clinic, people):
    person = {"given_name": "Maria", "family_name": "Marin", "birth_date": date(1957, 3, 2)}

    with pytest.raises(services.KnownAlready) as refusal:
        services.register(clinic=clinic, unlike=[], **person)
    assert refusal.value.patients == [people["maria"]]
    assert Patient.objects.for_clinic(clinic).count() == 3

    made = services.register(clinic=clinic, unlike=[people["maria"].pk], **person)
    entry = AuditEntry.objects.get(action="patient.registered", object_id=str(made.pk))
    assert entry.detail == {"unlike": [people["maria"].pk]}


def test_programs_register_without_being_asked(clinic, people):
    made = services.register(clinic=clinic, given_name="Maria", family_name="Marin", birth_date=date(1957, 3, 2))
    assert made.pk
