"""A patient is registered: both consents are asked for in one mail, a welcome comes in another, both are signed."""

from __future__ import annotations

import pytest

from forms_app.models import FormResponse, SignatureDrawing
from patients.models import Patient
from tests.browser.stranger import finds_nothing

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


def test_a_new_patient_is_welcomed_and_signs_both_consents(people, story):
    people.admin.switches_on("Onboarding")
    the_front_desk_registers(people.front_desk)
    assert story.mails() == []

    story.walk(0, "12:00")

    assert [(who, subject) for _day, _at, who, subject in story.mails()] == [
        ("maria", "North Clinic: 2 forms for you"),
        ("maria", "Welcome to North Clinic"),
    ]
    assert story.steps("onboarding") == [("a1", "done", ""), ("a2", "done", ""), ("a3", "done", "")]
    assert "identity card" in story.text_of(1)
    the_patient_signs_both(people.phone, story)
    the_consents_are_on_record(people)
    people.admin.reads_the_run(
        "Patient onboarded", "Maria Marin", "The rule has no conditions.", steps=["done", "done", "done"]
    )
    finds_nothing(
        people,
        Patient.objects.get(family_name="Marin"),
        "staff:patient",
        "staff:form",
        "staff:message",
        "forms:fill",
        "forms:receipt",
        "portal:receipt",
        "portal:enter",
        "admin:automations_run_change",
    )
    people.pictures("onboarding")


def the_front_desk_registers(desk):
    desk.opens("/staff/")
    desk.follows("Patients")
    desk.follows("Register a patient")
    desk.writes(Given_name="Maria", Family_name="Marin", Date_of_birth="1957-03-02", Email="maria@patients.example")
    desk.chooses(Specialist="Dr. Ioana Ionescu")
    desk.presses("Register")
    desk.sees("March 2, 1957", "maria@patients.example")


def the_patient_signs_both(phone, story):
    phone.opens_forms(story.text_of(0))
    phone.sees("For Maria:")
    phone.follows("How we handle your data")
    phone.ticks("I have read this and I agree.")
    phone.draws_a_signature()
    phone.writes(Your_full_name="Maria Marin")
    phone.presses("Sign")
    phone.sees("Thank you: “How we handle your data” is signed.")
    phone.follows("Exercising at home with us")
    phone.ticks("Yes", group="Do you have room")
    phone.ticks("I have read this and I agree.")
    phone.writes(Your_full_name="Maria Marin")
    phone.presses("Sign")
    phone.sees("Thank you: “Exercising at home with us” is signed.", "There is nothing for you to fill in right now.")
    assert story.forms() == [("privacy-policy-consent", "signed"), ("telerehabilitation-consent", "signed")]
    signed = FormResponse.objects.order_by("pk").values_list("signed_by", "answers")
    assert list(signed) == [("Maria Marin", {}), ("Maria Marin", {"safe_place": True})]
    assert SignatureDrawing.objects.count() == 1
    phone.follows("Your patient pages")
    phone.signs_in(story)
    phone.follows("Forms")
    phone.sees("Done", "How we handle your data", "Exercising at home with us", "signed")


def the_consents_are_on_record(people):
    people.specialist.finds("Marin, Maria")
    people.specialist.follows("Visits and forms")
    people.specialist.follows("Telerehabilitation consent")
    people.specialist.sees("Do you have room to exercise safely at home?", "signed")
    people.front_desk.follows("Timeline")
    people.front_desk.sees("Patient onboarded", "Welcome", "Form signed or submitted")
