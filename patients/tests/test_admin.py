"""The admin page of patients: scope, stale forms, refusals as form errors, the audit trail."""

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.selectors import is_paused
from automations.models import Event
from clinic.db import records_changed
from clinic.errors import Refused
from patients import services
from patients.models import Contact, Patient

LIST = reverse("admin:patients_patient_changelist")
ADD = reverse("admin:patients_patient_add")


def change(patient):
    return reverse("admin:patients_patient_change", args=[patient.pk])


def form(patient=None, **changed):
    values = {
        "given_name": "Ana",
        "family_name": "Pop",
        "birth_date": "",
        "sex": "unknown",
        "external_id": "",
        "email": "",
        "phone": "",
        "city": "",
        "language": "en",
        "time_zone": "",
        "specialist": "",
        "tags": "",
        "source": "",
        "contacts-TOTAL_FORMS": "0",
        "contacts-INITIAL_FORMS": "0",
    }
    if patient is not None:
        known = ("given_name", "family_name", "sex", "external_id", "email", "city", "language")
        values |= {name: getattr(patient, name) or "" for name in known}
        values |= {"birth_date": str(patient.birth_date or ""), "read_revision": str(patient.revision)}
    return values | changed


def actions():
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


# --- who sees whom ---


def test_the_list_shows_the_own_clinics_patients_and_is_recorded(patient, stranger_patient, as_front_desk):
    html = as_front_desk.get(LIST).content.decode()

    assert "Marin" in html
    assert "Stranger" not in html
    assert actions() == ["patient.listed"]


def test_opening_a_patient_is_recorded(patient, specialist, as_specialist):
    assert as_specialist.get(change(patient)).status_code == 200

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.patient_id, entry.actor_id) == ("patient.read", patient.pk, specialist.user_id)


def test_a_strangers_patient_cannot_be_opened_changed_or_listed_by_search(patient, as_stranger):
    assert as_stranger.get(change(patient)).status_code == 302
    assert as_stranger.post(change(patient), form(patient, given_name="Taken")).status_code == 302
    assert "Maria" not in as_stranger.get(LIST, {"q": "Marin"}).content.decode()

    patient.refresh_from_db()
    assert patient.given_name == "Maria"
    assert "patient.read" not in actions()


def test_an_autocomplete_box_offers_the_own_clinics_patients_only(patient, stranger_patient, as_admin):
    query = {"app_label": "worklist", "model_name": "task", "field_name": "patient", "term": "a"}

    found = as_admin.get(reverse("admin:autocomplete"), query).json()["results"]

    assert [one["text"] for one in found] == ["Maria Marin"]
    assert actions() == ["patient.searched"]


def test_an_operator_sees_both_clinics(patient, stranger_patient, as_operator):
    html = as_operator.get(LIST).content.decode()

    assert "Marin" in html
    assert "Stranger" in html


# --- registering and changing ---


def test_registering_goes_through_the_service(clinic, specialist, as_front_desk):
    response = as_front_desk.post(ADD, form(specialist=specialist.pk, tags="vip,knee", city="Iași"))

    assert response.status_code == 302
    patient = Patient.objects.get()
    assert (patient.clinic, patient.specialist, patient.tags) == (clinic, specialist, ["vip", "knee"])
    assert patient.city_folded == "iasi"
    event = Event.objects.get()
    assert (event.trigger, event.origin) == ("patient.onboarded", "session")
    assert "patient.registered" in actions()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"external_id": "A-17"}, "already exists"),
        ({"birth_date": "2999-01-01"}, "The date of birth is in the future."),
        ({"email": "nowhere"}, "Enter a valid email address."),
        ({"given_name": ""}, "This field is required."),
    ],
)
def test_a_wrong_registration_is_shown_in_the_form_and_keeps_what_was_typed(patient, as_admin, wrong, message):
    response = as_admin.post(ADD, form(family_name="Typed", **wrong))

    assert response.status_code == 200
    html = response.content.decode()
    assert message in html
    assert 'value="Typed"' in html
    assert Patient.objects.count() == 1
    assert "patient.registered" not in actions()


def test_a_change_is_written_and_recorded_by_field_name(patient, as_admin):
    as_admin.post(change(patient), form(patient, language="ro"))

    patient.refresh_from_db()
    assert (patient.language, patient.revision) == ("ro", 2)
    assert AuditEntry.objects.get(action="patient.updated").detail == {"fields": ["language"]}


def test_saving_without_a_change_tells_nobody_anything(patient, as_admin):
    as_admin.post(change(patient), form(patient))

    patient.refresh_from_db()
    assert patient.revision == 1
    assert actions() == []


def test_a_form_that_went_stale_on_the_screen_is_refused(patient, as_admin):
    old = form(patient, language="ro")
    services.update(patient, city="Cluj")

    response = as_admin.post(change(patient), old)

    assert response.status_code == 200
    assert "was changed by somebody else after it was read here" in response.content.decode()
    patient.refresh_from_db()
    assert (patient.language, patient.city) == ("en", "Cluj")


def test_a_form_without_its_revision_is_refused(patient, as_admin):
    values = form(patient, language="ro")
    del values["read_revision"]

    assert as_admin.post(change(patient), values).status_code == 200

    patient.refresh_from_db()
    assert patient.language == "en"


def test_what_a_service_refuses_late_becomes_a_form_error_and_nothing_is_half_done(patient, as_admin):
    def refuse(sender, changes, **_):
        raise Refused("Not on a Sunday.", path="language")

    records_changed.connect(refuse, weak=False)
    try:
        response = as_admin.post(
            change(patient),
            form(
                patient,
                language="ro",
                **{
                    "contacts-TOTAL_FORMS": "1",
                    "contacts-0-name": "Dana",
                    "contacts-0-relation": "daughter",
                    "contacts-0-patient": patient.pk,
                },
            ),
        )
    finally:
        records_changed.disconnect(refuse)

    assert response.status_code == 200
    assert "Not on a Sunday." in response.content.decode()
    patient.refresh_from_db()
    assert (patient.language, patient.revision) == ("en", 1)
    assert not Contact.objects.exists()
    assert "patient.updated" not in actions()


def test_a_specialist_of_another_clinic_is_no_choice(patient, stranger, as_admin):
    response = as_admin.post(change(patient), form(patient, specialist=stranger.pk))

    assert response.status_code == 200
    patient.refresh_from_db()
    assert patient.specialist is None


def test_a_person_who_is_no_specialist_is_refused_at_the_field(patient, front_desk, as_admin):
    response = as_admin.post(change(patient), form(patient, specialist=front_desk.pk))

    assert "Felix Front is not a specialist who works here now." in response.content.decode()
    patient.refresh_from_db()
    assert patient.specialist is None


def test_a_contact_is_added_in_the_patients_clinic(patient, as_front_desk):
    inline = {
        "contacts-TOTAL_FORMS": "1",
        "contacts-0-name": "Dana",
        "contacts-0-relation": "daughter",
        "contacts-0-email": "dana@x.example",
        "contacts-0-gets_messages": "on",
        "contacts-0-patient": patient.pk,
    }

    assert as_front_desk.post(change(patient), form(patient, **inline)).status_code == 302

    contact = Contact.objects.get()
    assert (contact.clinic_id, contact.patient, contact.gets_messages) == (patient.clinic_id, patient, True)
    assert "contact.saved" in actions()


# --- the buttons ---


def test_archiving_and_coming_back(patient, as_admin):
    as_admin.post(change(patient), form(patient, patients_patient_archive="1"))
    patient.refresh_from_db()
    assert patient.status == "archived"

    as_admin.post(change(patient), form(patient, patients_patient_reactivate="1"))
    patient.refresh_from_db()
    assert patient.status == "active"
    assert actions() == ["patient.archived", "patient.reactivated"]


def test_a_button_that_the_role_may_not_press_changes_nothing_at_all(patient, as_specialist):
    response = as_specialist.post(change(patient), form(patient, language="ro", patients_patient_archive="1"))

    assert response.status_code == 200
    assert "This takes the role clinic admin, front desk at this clinic." in response.content.decode()
    patient.refresh_from_db()
    assert (patient.status, patient.language) == ("active", "en")


def test_an_impossible_button_says_why(patient, as_admin):
    patient = services.archive(patient)

    response = as_admin.post(change(patient), form(patient, patients_patient_discharge="1"))

    assert "archived; it cannot become discharged from there" in response.content.decode()


def test_automations_stop_for_one_patient_and_go_on(patient, as_front_desk):
    as_front_desk.post(change(patient), form(patient, patients_patient_stop_automations="1"))
    assert is_paused(patient.clinic, patient_id=patient.pk)

    as_front_desk.post(change(patient), form(patient, patients_patient_resume_automations="1"))
    assert not is_paused(patient.clinic, patient_id=patient.pk)


def test_nobody_deletes_a_patient(patient, as_operator):
    delete = reverse("admin:patients_patient_delete", args=[patient.pk])

    assert as_operator.post(delete, {"post": "yes"}).status_code == 403
    as_operator.post(LIST, {"action": "delete_selected", "_selected_action": [patient.pk], "post": "yes"})

    assert Patient.objects.count() == 1


def test_the_list_takes_as_many_queries_for_many_as_for_few(
    clinic, specialist, as_admin, django_assert_max_num_queries
):
    Patient.objects.bulk_create([Patient(clinic=clinic, given_name=f"P{n}", specialist=specialist) for n in range(40)])

    with django_assert_max_num_queries(14):
        as_admin.get(LIST)
