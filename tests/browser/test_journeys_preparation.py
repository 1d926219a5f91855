"""A visit is confirmed: questionnaire and guide for the patient, word and a summary for the specialist."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from appointments.tests.builders import make_service
from tests.browser.people import at_the_desk, in_full
from tests.browser.stranger import finds_nothing

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


@pytest.mark.proof(only=True)
def test_a_confirmed_visit_is_prepared(people, story, patient, specialist):
    make_service(story.clinic)
    people.admin.switches_on("Appointment preparation")
    the_front_desk_books_and_confirms(people.front_desk, story)
    assert story.mails() == []

    story.walk(0, "12:00")

    assert [(who, subject) for _day, _at, who, subject in story.mails()] == [
        ("maria", "North Clinic: a form for you"),
        ("maria", "How to prepare for the visit"),
    ]
    assert story.steps("appointment-preparation") == [("a1", "done", ""), ("a2", "done", ""), ("a3", "done", "")]
    assert story.told(specialist) == ["Maria Marin is coming"]
    assert f"When: {in_full(story.moment(2, '10:00'))}" in story.text_of(1)
    people.specialist.hears("Maria Marin is coming")
    people.specialist.sees(f"{at_the_desk(story.moment(2, '10:00'))} · confirmed", "Nothing was answered")
    the_patient_answers(people.phone, story)
    the_answers_are_read(people)
    people.admin.reads_the_run(
        "Appointment confirmed", "Appointment · Hours until the visit > 0 (was 4", steps=["done", "done", "done"]
    )
    finds_nothing(
        people,
        patient,
        "staff:patient-summary",
        "staff:visit",
        "staff:form",
        "forms:fill",
        "admin:automations_run_change",
    )
    people.pictures("preparation")


def the_front_desk_books_and_confirms(desk, story):
    desk.finds("Marin, Maria")
    desk.books(story.moment(2, "10:00"), Service="Initial Evaluation", Specialist="Dr. Ioana Ionescu")
    desk.presses("Confirm")
    desk.sees("Confirmed.")


def the_patient_answers(phone, story):
    phone.opens_forms(story.text_of(0))
    phone.follows("Before your visit")
    phone.field("What would you like help with?").fill("My left knee")
    phone.ticks("6", group="How strong was your pain")
    phone.writes(Your_full_name="Maria Marin")
    phone.presses("Submit")
    phone.sees("Thank you: “Before your visit” is submitted.", "There is nothing for you to fill in right now.")
    assert story.forms() == [("pre-appointment-questionnaire", "submitted")]
    phone.follows("Your patient pages")
    phone.signs_in(story)
    phone.follows("Forms")
    phone.sees("Before your visit", "submitted")
    phone.follows("Visits")
    phone.sees(in_full(story.moment(2, "10:00")), "Initial Evaluation · Dr. Ioana Ionescu", "Confirmed")


def the_answers_are_read(people):
    people.specialist.page.reload()
    people.specialist.sees("My left knee", "No open forms.")
    people.front_desk.page.reload()
    people.front_desk.sees("Pre-appointment questionnaire · submitted", "Appointment preparation")
    expect(people.front_desk.page.locator(".status-confirmed")).to_have_text("confirmed")
