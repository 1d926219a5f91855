"""The forms: what was asked, asking, sending again, and reading what was signed."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry
from clinic.clock import now
from forms_app import services
from forms_app.models import FormRequest
from forms_app.tests.builders import ask, fill, make_template
from messaging.models import Delivery
from patients.models import Patient
from patients.services import set_consents

LIST = reverse("staff:forms")
SEND = reverse("staff:form-send")


@pytest.fixture
def consent(clinic):
    return make_template(clinic)


@pytest.fixture
def survey(clinic):
    return make_template(clinic, "pain", "survey")


def one(row):
    return reverse("staff:form", args=[row.pk])


def verb(row, name):
    return reverse("staff:form-move", args=[row.pk, name])


def names(response):
    return [(row.template.slug, row.patient.given_name) for row in response.context["paged"].rows]


# --- the list ---


def test_the_list_shows_what_is_open_the_most_urgent_first(patient, consent, survey, as_front_desk):
    ask(patient, survey)
    ask(patient, consent, due_at=now() + timedelta(days=1))
    response = as_front_desk.get(LIST)
    assert names(response) == [("privacy", "Maria"), ("pain", "Maria")]
    entry = AuditEntry.objects.get(action="form.listed")
    assert entry.detail == {"patients": [patient.pk]}


def test_the_list_is_filtered_by_state_form_and_patient(patient, consent, survey, as_front_desk):
    other = Patient.objects.create(clinic=patient.clinic, given_name="Ana", family_name="Pop", external_id="B-2")
    late = ask(patient, consent, due_at=now() - timedelta(days=1))
    fill(ask(patient, survey))
    services.decline(ask(other, survey))
    services.void(ask(other, consent))

    def found(**filters):
        return names(as_front_desk.get(LIST, filters))

    assert found() == found(state="open") == found(state="nonsense") == [("privacy", "Maria")]
    assert found(state="overdue") == [("privacy", "Maria")]
    assert found(state="signed") == [("pain", "Maria")]
    assert found(state="declined") == [("pain", "Ana")]
    assert found(state="ended") == [("privacy", "Ana")]
    assert found(form=consent.pk) == [("privacy", "Maria")]
    assert found(form=survey.pk) == []
    assert found(q="mar mar") == [("privacy", "Maria")]
    assert found(q="A-17") == [("privacy", "Maria")]
    assert found(q="pop") == []
    assert found(patient=patient.pk) == [("privacy", "Maria")]
    assert found(patient=other.pk) == []
    assert found(patient=other.pk, state="declined") == [("pain", "Ana")]
    assert "overdue" in as_front_desk.get(LIST).content.decode()
    FormRequest.objects.filter(pk=late.pk).update(due_at=None)
    assert found(state="overdue") == []


def test_an_empty_list_has_one_button(as_front_desk, clinic):
    html = as_front_desk.get(LIST).content.decode()
    assert "Nothing here." in html
    assert html.count(f'href="{SEND}"') == 2
    assert "No form is like this." in as_front_desk.get(LIST, {"q": "x"}).content.decode()


def test_the_list_takes_as_many_queries_for_many_as_for_one(patient, consent, survey, as_front_desk):
    def count():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            as_front_desk.get(LIST)
        return len(queries)

    services.send_again(ask(patient, consent))
    first = count()
    for number in range(5):
        someone = Patient.objects.create(clinic=patient.clinic, given_name=f"P{number}", email=f"p{number}@x.example")
        services.send_again(ask(someone, consent))
        ask(someone, survey)
    assert count() == first


# --- asking ---


def test_a_form_is_sent_to_a_patient_who_was_found_by_name(patient, consent, as_front_desk):
    found = as_front_desk.get(SEND, {"q": "marin"}).content.decode()
    assert f"?patient={patient.pk}" in found
    day = (now() + timedelta(days=3)).date()
    response = as_front_desk.post(
        SEND, {"patient": patient.pk, "template": consent.pk, "due_on": day, "blocking": "on", "tell": "on"}
    )
    row = FormRequest.objects.get()
    assert response["Location"] == one(row)
    assert (row.patient, row.template, row.status, row.blocking) == (patient, consent, "required", True)
    assert row.due_at.astimezone(now().tzinfo).date() in (day, day + timedelta(days=-1))
    delivery = Delivery.objects.get()
    assert (delivery.purpose, delivery.category, row.message) == ("forms", "transactional", delivery)
    assert AuditEntry.objects.filter(action="form.sent").count() == 1


def test_without_the_tick_no_message_is_queued(patient, consent, as_front_desk):
    as_front_desk.post(SEND, {"patient": patient.pk, "template": consent.pk})
    assert FormRequest.objects.count() == 1
    assert not Delivery.objects.exists()


def test_a_patient_without_an_address_is_asked_all_the_same_and_the_page_says_so(patient, consent, as_front_desk):
    patient.email = ""
    patient.save()
    response = as_front_desk.post(SEND, {"patient": patient.pk, "template": consent.pk, "tell": "on"}, follow=True)
    assert "no message was sent: There is no email address that works." in response.content.decode()
    assert FormRequest.objects.get().message is None


def test_a_day_that_is_over_is_refused_at_its_field(patient, consent, as_front_desk):
    day = (now() - timedelta(days=2)).date()
    response = as_front_desk.post(SEND, {"patient": patient.pk, "template": consent.pk, "due_on": day})
    assert response.context["form"].errors == {"due_on": ["This day is over. Choose a later one."]}
    assert not FormRequest.objects.exists()


def test_what_is_signed_already_is_not_asked_twice(patient, consent, as_front_desk):
    fill(ask(patient, consent))
    response = as_front_desk.post(SEND, {"patient": patient.pk, "template": consent.pk, "tell": "on"}, follow=True)
    assert "nothing is asked twice" in response.content.decode()
    assert FormRequest.objects.count() == 1


# --- sending again ---


def test_sending_again_queues_one_message_and_never_two(patient, consent, as_front_desk):
    row = ask(patient, consent)
    for _again in range(2):
        as_front_desk.post(verb(row, "remind"))
    assert Delivery.objects.count() == 1
    row.refresh_from_db()
    assert row.message == Delivery.objects.get()


def test_a_survey_is_not_sent_to_somebody_who_wants_none(patient, survey, as_front_desk):
    set_consents(patient, [{"category": "survey", "channel": "email", "granted": False}])
    row = ask(patient, survey)
    response = as_front_desk.post(verb(row, "remind"), follow=True)
    assert "does not want messages of this kind" in response.content.decode()
    assert not Delivery.objects.exists()


def test_a_survey_is_not_sent_beyond_the_clinics_cap(patient, survey, as_front_desk):
    patient.clinic.cap_survey_day = 1
    patient.clinic.save()
    other = make_template(patient.clinic, "second", "survey")
    services.send_again(ask(patient, survey))
    Delivery.objects.update(state="sent", finished_at=now(), created_at=now() - timedelta(minutes=5))
    response = as_front_desk.post(verb(ask(patient, other), "remind"), follow=True)
    assert "as many messages as the clinic allows" in response.content.decode()
    assert Delivery.objects.count() == 1


def test_quiet_hours_hold_the_message(patient, consent, as_front_desk):
    moment = now()
    clinic = patient.clinic
    local = timedelta(hours=2)
    clinic.quiet_start, clinic.quiet_end = (
        (moment + local - timedelta(hours=1)).time(),
        (moment + local + timedelta(hours=3)).time(),
    )
    clinic.save()
    as_front_desk.post(verb(ask(patient, consent), "remind"))
    assert Delivery.objects.get().not_before > moment + timedelta(hours=1)


def test_what_is_signed_is_not_chased(patient, consent, as_front_desk):
    row = fill(ask(patient, consent))
    response = as_front_desk.post(verb(row, "remind"), follow=True)
    assert "there is nothing to remind of" in response.content.decode()
    assert not Delivery.objects.exists()


# --- one request ---


def test_the_page_of_a_request_shows_every_signature(patient, survey, as_specialist):
    row = fill(ask(patient, survey))
    row = services.amend(row, answers={"pain": 3}, signed_by="Maria Marin")
    html = as_specialist.get(one(row)).content.decode()
    for text in (
        "Signature 2, of version 1",
        "Signature 1, of version 1",
        '<dd dir="auto">7</dd>',
        ">3</dd>",
        "Knee",
    ):
        assert text in html
    for response in row.responses.all():
        assert response.content_hash in html
    assert html.count("<dd>yes</dd>") == 2
    assert AuditEntry.objects.get(action="form.read").detail == {"responses": 2}


def test_a_request_is_taken_back_with_a_reason(patient, consent, as_front_desk):
    row = ask(patient, consent)
    as_front_desk.post(verb(row, "void"), {"reason": "Asked by mistake"})
    row.refresh_from_db()
    assert (row.status, row.reason) == ("voided", "Asked by mistake")


def test_a_consent_is_withdrawn_by_the_specialist_and_not_by_the_front_desk(
    patient, consent, as_specialist, as_front_desk
):
    row = fill(ask(patient, consent))
    assert "withdraws this consent" not in as_front_desk.get(one(row)).content.decode()
    as_front_desk.post(verb(row, "withdraw"))
    row.refresh_from_db()
    assert row.status == "signed"

    assert "withdraws this consent" in as_specialist.get(one(row)).content.decode()
    as_specialist.post(verb(row, "withdraw"))
    row.refresh_from_db()
    assert row.status == "withdrawn"


def test_a_request_takes_as_many_queries_for_many_signatures_as_for_one(patient, survey, as_specialist):
    def count():
        with CaptureQueriesContext(connection) as queries:
            as_specialist.get(one(row))
        return len(queries)

    row = fill(ask(patient, survey))
    first = count()
    for value in range(4):
        row = services.amend(row, answers={"pain": value}, signed_by="Maria Marin")
    assert count() == first


# --- who may ---


def test_a_stranger_finds_nothing_and_changes_nothing(patient, consent, as_stranger):
    row = ask(patient, consent)
    assert as_stranger.get(one(row)).status_code == 404
    for name in ("remind", "void", "withdraw"):
        assert as_stranger.post(verb(row, name)).status_code == 404
    assert as_stranger.get(SEND, {"patient": patient.pk}).status_code == 404
    assert as_stranger.post(SEND, {"patient": patient.pk, "template": consent.pk}).status_code == 404
    assert "Maria" not in as_stranger.get(LIST).content.decode()
    assert as_stranger.get(LIST, {"patient": patient.pk}).status_code == 404
    assert "Maria" not in as_stranger.get(SEND, {"q": "Maria"}).content.decode().replace('value="Maria"', "")
    row.refresh_from_db()
    assert (row.status, FormRequest.objects.count(), Delivery.objects.count()) == ("required", 1, 0)


def test_a_form_of_another_clinic_cannot_be_asked(patient, other_clinic, as_front_desk):
    foreign = make_template(other_clinic, "foreign")
    response = as_front_desk.post(SEND, {"patient": patient.pk, "template": foreign.pk})
    assert "template" in response.context["form"].errors
    assert not FormRequest.objects.exists()


def test_a_visitor_is_asked_to_sign_in(client, patient, consent):
    for address in (LIST, SEND, one(ask(patient, consent))):
        assert client.get(address).status_code == 302


def test_nothing_is_moved_by_looking(patient, consent, as_front_desk):
    row = ask(patient, consent)
    assert as_front_desk.get(verb(row, "void")).status_code == 405
    assert as_front_desk.post(verb(row, "unknown")).status_code == 404
