"""Recipe "onboarding": a patient is registered."""

from __future__ import annotations

from datetime import date, time

import pytest
from django.test import Client

from accounts.services import update_clinic
from appointments.models import Appointment
from clinic.db import origin, silently
from forms_app.models import FormRequest, FormResponse
from forms_app.tests.builders import born
from messaging.models import Delivery
from patients import services as patients
from patients.models import Patient

FORMS = (0, "09:00", "maria", "North Clinic: 2 forms for you")
WELCOME = (0, "09:00", "maria", "Welcome to North Clinic")
BOTH_OPEN = [("privacy-policy-consent", "required"), ("telerehabilitation-consent", "required")]


@pytest.fixture
def story(story):
    story.install("onboarding")
    return story


def test_a_new_patient_is_asked_for_both_consents_in_one_mail_and_welcomed_in_another(story):
    story.register()
    story.walk(0, "09:05")
    assert story.mails() == [FORMS, WELCOME]
    assert story.forms() == BOTH_OPEN
    assert story.steps("onboarding") == [("a1", "done", ""), ("a2", "done", ""), ("a3", "done", "")]
    assert "identity card" in story.text_of(1)
    assert "/f/" not in story.text_of(1)


def test_a_romanian_patient_is_welcomed_in_romanian(story):
    story.register(language="ro")
    story.walk(0, "09:05")
    assert story.mails()[1][3] == "Bine ați venit la North Clinic"
    assert story.mailbox.taken[1]["Content-Language"] == "ro"
    assert "act de identitate" in story.text_of(1)


def test_neither_consent_blocks_booking(story):
    maria = story.register()
    story.walk(0, "09:05")
    assert story.book(maria, 3, "10:00").status == Appointment.Status.BOOKED


def test_the_patient_signs_both_from_the_link_in_the_mail(story):
    story.register()
    story.walk(0, "09:05")
    browser = Client()
    page = browser.post(story.link_in(0), born(Patient.objects.get()), follow=True).content.decode()
    assert "How we handle your data" in page
    assert "Exercising at home with us" in page
    for request in FormRequest.objects.order_by("pk"):
        signed = {"agree": "yes", "signed_by": "Maria Marin", "relation": "self", "version": "1", "action": "sign"}
        assert browser.post(f"{story.link_in(0)}{request.pk}/", signed).status_code == 303
    assert [status for _, status in story.forms()] == ["signed", "signed"]
    assert [one.signed_by for one in FormResponse.objects.all()] == ["Maria Marin", "Maria Marin"]
    story.walk(20, "09:00")
    assert len(story.mails()) == 2


def test_a_mail_to_a_child_goes_to_the_contact_who_gets_messages(story):
    mia = story.register("Mia", birth_date=date(story.day_0.year - 9, 5, 5))
    patients.add_contact(
        mia, name="Eva Marin", relation="mother", email="eva@patients.example", gets_messages=True, may_sign=True
    )
    story.walk(0, "09:05")
    assert [(to, subject) for _, _, to, subject in story.mails()] == [
        ("eva", "North Clinic: 2 forms for you"),
        ("eva", "Welcome to North Clinic"),
    ]


def test_at_night_the_mails_wait_for_the_end_of_the_quiet_hours(story):
    update_clinic(story.clinic, quiet_start=time(21), quiet_end=time(8))
    story.walk(0, "22:30")
    story.register()
    story.walk(1, "07:59")
    assert story.mails() == []
    assert story.forms() == BOTH_OPEN
    story.walk(1, "08:05")
    assert [(day, at) for day, at, _, _ in story.mails()] == [(1, "08:00"), (1, "08:00")]


def test_mails_of_a_patient_registered_by_a_person_wait_the_undo_time(story):
    with origin("session"):
        maria = story.register()
    story.settle()
    assert story.mails() == []
    patients.archive(maria)
    story.walk(1, "09:00")
    assert story.mails() == []
    assert {row.state for row in Delivery.objects.all()} == {"withdrawn"}
    assert [status for _, status in story.forms()] == ["voided", "voided"]


def test_nobody_without_an_address_is_forgotten_the_front_desk_gets_a_task(story, front_desk):
    story.register(email="")
    story.walk(1, "09:00")
    assert story.mails() == []
    assert story.forms() == BOTH_OPEN
    assert [to for _, to in story.tasks()] == ["front_desk"]
    assert story.steps("onboarding")[2] == ("a3", "skipped", "no_address")


# --- where nothing may happen ---


def test_a_patient_registered_silently_is_not_greeted(story):
    with silently("import"):
        story.register()
    story.walk(20, "09:00")
    story.assert_nothing_happened("onboarding")


def test_a_change_of_the_record_greets_nobody(story):
    with silently("import"):
        maria = story.register()
    patients.update(maria, city="Cluj")
    story.walk(20, "09:00")
    story.assert_nothing_happened("onboarding")


def test_a_patient_who_comes_back_is_not_greeted_again(story):
    maria = story.register()
    story.walk(0, "09:05")
    patients.archive(maria)
    patients.reactivate(maria)
    story.walk(20, "09:00")
    assert story.mails() == [FORMS, WELCOME]
    assert len(story.steps("onboarding")) == 3


def test_a_patient_of_another_clinic_gets_nothing_from_this_one(story, other_clinic):
    patients.register(clinic=other_clinic, given_name="Sam", family_name="S", email="sam@patients.example")
    story.walk(20, "09:00")
    story.assert_nothing_happened("onboarding")
