"""An initial evaluation took place: survey after 24 hours, summary once it is released, reminder after two weeks."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from appointments.tests.builders import make_service
from tests.browser.people import link_in
from tests.browser.stranger import finds_nothing

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
SLUG = "follow-up-initial-evaluation"
SURVEY, REMINDER = "North Clinic: a form for you", "Shall we go on?"
SUMMARY = "You have a message from North Clinic"


@pytest.mark.proof(only=True)
def test_an_initial_evaluation_is_followed_up(people, story, patient):
    make_service(story.clinic)
    people.admin.switches_on("Follow-up after an initial evaluation")
    the_front_desk_books_and_completes(people.front_desk, story)
    assert [state for _id, state, _reason in story.steps(SLUG)] == ["pending"] * 3
    the_specialist_releases_a_summary(people.specialist)
    story.walk(2, "16:00")
    assert [(day, subject) for day, _at, _who, subject in story.mails()] == [(2, SUMMARY)]
    assert "Rest" not in story.mailbox.taken[0].as_string()
    the_patient_reads_the_summary(people.phone, story)

    story.walk(3, "16:00")
    assert [(day, subject) for day, _at, _who, subject in story.mails()][2:] == [(3, SURVEY)]
    the_patient_answers_the_survey(people.phone, story)
    story.walk(17, "12:00")

    assert [(day, subject) for day, _at, _who, subject in story.mails()][3:] == [(16, REMINDER)]
    assert story.steps(SLUG) == [("a1", "done", ""), ("a2", "done", ""), ("a3", "done", "")]
    the_reminder_is_on_record(people.front_desk)
    people.admin.reads_the_run(
        "Appointment completed", "Initial Evaluation (was Initial Evaluation)", steps=["done", "done", "done"]
    )
    finds_nothing(
        people,
        patient,
        "staff:visit",
        "staff:visit-summary",
        "staff:message",
        "forms:fill",
        "portal:summary",
        "admin:automations_run_change",
    )
    people.pictures("follow-up")


def the_front_desk_books_and_completes(desk, story):
    desk.finds("Marin, Maria")
    desk.books(story.moment(2, "10:00"), Service="Initial Evaluation", Specialist="Dr. Ioana Ionescu")
    story.walk(2, "11:00")
    desk.follows("Home")
    desk.presses("Complete: Maria Marin, 10 a.m.")
    expect(desk.page.locator(".status-completed")).to_have_text("completed")
    desk.sees("until then this can be undone")
    story.settle()


def the_specialist_releases_a_summary(specialist):
    specialist.opens("/staff/")
    specialist.follows("10 a.m., Maria Marin")
    specialist.writes(Summary_for_the_patient="Rest for two days.")
    specialist.unfolds("Release to the patient")
    specialist.presses("Yes, release it")
    specialist.sees("Released; the patient may read it.")


def the_patient_reads_the_summary(phone, story):
    phone.opens(link_in(story.text_of(0)))
    phone.signs_in(story)
    phone.sees("None is booked.")
    phone.follows("Visits")
    phone.follows("Read the summary")
    phone.sees("Summary of your visit", "Rest for two days.", "Dr. Ioana Ionescu")


def the_patient_answers_the_survey(phone, story):
    phone.opens_forms(story.text_of(2))
    phone.follows("How was it?")
    phone.ticks("9", group="Would you recommend us")
    phone.ticks("Yes", group="Were you listened to?")
    phone.writes(Your_full_name="Maria Marin")
    phone.presses("Submit")
    phone.sees("Thank you: “How was it?” is submitted.")
    assert story.forms() == [("satisfaction-survey", "submitted")]


def the_reminder_is_on_record(desk):
    desk.finds("Marin, Maria")
    desk.follows("Timeline")
    desk.sees("Follow-up reminder", "Summary of the visit", "Form signed or submitted")
