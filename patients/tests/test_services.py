"""What is done to patients, what is refused, and that a refusal changes nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.actor import Actor, acting_as
from accounts.models import AuditEntry
from clinic.clock import now
from clinic.errors import ClinicError, ImpossibleTransition, Refused, StaleRecord
from patients import bulk, services
from patients.models import Contact, Patient


def actions():
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def person(membership):
    return Actor("user", user_id=membership.user_id, clinic_id=membership.clinic_id)


def test_registering_keeps_what_was_said(clinic, specialist):
    patient = services.register(
        clinic=clinic,
        external_id="B-1",
        given_name="Ana",
        family_name="Pop",
        birth_date=date(1990, 5, 6),
        language="ro",
        city="Timișoara",
        specialist=specialist,
        tags=["vip", " vip ", "", "knee"],
    )

    patient.refresh_from_db()
    assert (patient.status, patient.city_folded, patient.tags) == ("active", "timisoara", ["vip", "knee"])
    assert patient.specialist == specialist
    assert actions() == ["patient.registered"]


def test_an_old_registration_keeps_its_date(clinic):
    then = datetime(2020, 1, 2, 3, tzinfo=UTC)

    patient = services.register(clinic=clinic, given_name="Ana", occurred_at=then)

    patient.refresh_from_db()
    assert patient.registered_at == then


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"given_name": ""}, "given_name"),
        ({"given_name": "Ana", "email": "nowhere"}, "email"),
        ({"given_name": "Ana", "time_zone": "Mars/Base"}, "time_zone"),
        ({"given_name": "Ana", "sex": "x"}, "sex"),
        ({"given_name": "Ana", "birth_date": date(2999, 1, 1)}, "birth_date"),
        ({"given_name": "Ana", "birth_date": date(1899, 12, 31)}, "birth_date"),
        ({"given_name": "Ana", "external_id": "A-17"}, "external_id"),
        ({"given_name": "Ana", "status": "archived"}, "status"),
    ],
)
def test_a_wrong_registration_names_the_field_and_stores_nothing(patient, fields, path):
    with pytest.raises(ClinicError) as refusal:
        services.register(clinic=patient.clinic, **fields)

    assert refusal.value.path == path
    assert Patient.objects.count() == 1
    assert actions() == []


def test_an_import_tells_the_line_with_a_birth_before_1900(clinic):
    lines = [
        {"external_id": "B-1", "given_name": "Ana", "birth_date": date(1090, 5, 6)},
        {"external_id": "B-2", "given_name": "Eva", "birth_date": date(1900, 1, 1)},
    ]
    told = list(bulk.upsert(clinic, lines))
    assert [one.error.code if one.error else None for one in told] == ["past_date", None]
    assert [one.external_id for one in Patient.objects.filter(external_id__startswith="B-")] == ["B-2"]


def test_a_birth_that_is_stored_keeps_nobody_from_changing_a_phone(patient):
    Patient.objects.filter(pk=patient.pk).update(birth_date=date(1850, 1, 1))
    assert services.update(patient, phone="+40 1").phone == "+40 1"


def test_two_clinics_may_use_one_external_id(patient, other_clinic):
    assert services.register(clinic=other_clinic, given_name="Sam", external_id="A-17").pk != patient.pk


def test_without_an_external_id_none_collides(clinic):
    services.register(clinic=clinic, given_name="Ana", external_id="")
    services.register(clinic=clinic, given_name="Ion", external_id="")

    assert Patient.objects.filter(external_id=None).count() == 2


def test_a_stranger_registers_nobody_here(clinic, stranger):
    with acting_as(person(stranger)), pytest.raises(Refused):
        services.register(clinic=clinic, given_name="Ana")

    assert not Patient.objects.exists()


def test_an_update_writes_what_differs_and_says_which_fields(patient):
    services.update(patient, language="ro", city="Iași", phone="+40 1")

    patient.refresh_from_db()
    assert (patient.language, patient.language_folded, patient.phone) == ("ro", "ro", "+40 1")
    assert AuditEntry.objects.get().detail == {"fields": ["language", "phone"]}


def test_an_update_without_a_difference_is_nothing(patient):
    services.update(patient, language="en")

    patient.refresh_from_db()
    assert patient.revision == 1
    assert actions() == []


def test_a_stale_edit_is_refused(patient):
    services.update(patient, language="ro")

    with pytest.raises(StaleRecord):
        services.update(patient, revision=1, city="Cluj")

    patient.refresh_from_db()
    assert patient.city == "Iași"


@pytest.mark.parametrize("who", ["front_desk", "stranger"])
def test_only_a_specialist_of_this_clinic_looks_after_a_patient(patient, who, request):
    with pytest.raises(ClinicError) as refusal:
        services.assign_specialist(patient, specialist=request.getfixturevalue(who))

    patient.refresh_from_db()
    assert refusal.value.path == "specialist"
    assert patient.specialist is None


def test_a_tag_is_added_once(patient):
    services.add_tag(patient, tag="vip")
    services.add_tag(patient, tag="vip")

    patient.refresh_from_db()
    assert patient.tags == ["vip"]
    assert patient.revision == 2


# --- leaving and coming back ---


def test_archiving_twice_is_archiving_once(patient):
    first = services.archive(patient)
    second = services.archive(patient)

    assert (first.status, first.revision, second.revision) == ("archived", 2, 2)
    assert actions() == ["patient.archived"]


def test_an_archived_patient_cannot_be_discharged(patient):
    services.archive(patient)

    with pytest.raises(ImpossibleTransition, match="archived; it cannot become discharged"):
        services.discharge(patient)

    patient.refresh_from_db()
    assert patient.status == "archived"


def test_reactivating_takes_back_a_death_noted_by_mistake(patient):
    services.mark_deceased(patient, on=date(2026, 1, 5))
    assert not Patient.objects.get(pk=patient.pk).is_active

    again = services.reactivate(patient)

    assert again.is_active
    assert again.deceased_on is None
    assert actions() == ["patient.deceased", "patient.reactivated"]


def test_a_death_lies_between_birth_and_today(patient):
    for day in (date(1900, 1, 1), now().date() + timedelta(days=3)):
        with pytest.raises(ClinicError) as refusal:
            services.mark_deceased(patient, on=day)
        assert refusal.value.path == "deceased_on"

    patient.refresh_from_db()
    assert patient.deceased_on is None


def test_a_specialist_does_not_archive_and_the_front_desk_does_not_discharge(patient, specialist, front_desk):
    with acting_as(person(specialist)), pytest.raises(Refused):
        services.archive(patient)
    with acting_as(person(front_desk)), pytest.raises(Refused):
        services.discharge(patient)

    patient.refresh_from_db()
    assert patient.status == "active"


# --- addresses and contacts ---


def test_a_bounce_marks_the_address_it_is_about(patient):
    assert services.mark_email_bounced(patient, address="maria@patients.example") is True
    assert services.mark_email_bounced(patient, address="old@patients.example") is False

    patient.refresh_from_db()
    assert patient.email_status == "bounced"
    assert actions() == ["patient.email_bounced"]


def test_a_new_address_has_not_bounced(patient):
    services.mark_email_bounced(patient, address=patient.email)

    services.update(patient, email="new@patients.example")

    patient.refresh_from_db()
    assert patient.email_status == "untried"


def test_a_contact_stands_by_the_patient_in_the_same_clinic(patient):
    contact = services.add_contact(patient, name="Dana", relation="daughter", email="dana@x.example")
    services.update_contact(contact, gets_messages=True)

    contact.refresh_from_db()
    assert (contact.clinic_id, contact.gets_messages, contact.may_sign) == (patient.clinic_id, True, False)
    assert actions() == ["contact.added", "contact.updated"]


def test_a_contact_without_a_name_is_refused(patient):
    with pytest.raises(ClinicError) as refusal:
        services.add_contact(patient, name="", relation="daughter")

    assert refusal.value.path == "name"
    assert not Contact.objects.exists()
