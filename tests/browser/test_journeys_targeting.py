"""Somebody of 65 or older, long not seen, comes to be in much pain and inactive: a reminder, and word to the admin."""

from __future__ import annotations

import pytest

from appointments.tests.builders import make_service
from segments.selectors import segments_of
from tests.browser.people import at_the_desk, in_full
from tests.browser.stranger import finds_nothing
from worklist.models import Task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
TASK = "Call the patient about a check-up"


@pytest.mark.proof(only=True)
def test_who_is_in_pain_and_inactive_is_reminded_and_the_admin_calls(people, story, patient, admin):
    make_service(story.clinic)
    people.admin.switches_on("Smart targeting: high pain and inactive")
    the_specialist_notes_much_pain(people.specialist)

    story.walk(0, "12:00")

    assert [(who, subject) for _day, _at, who, subject in story.mails()] == [("maria", "How are you?")]
    assert "pain" not in story.text_of(0).lower()
    assert story.told(admin) == ["Maria Marin may need a call"]
    assert story.steps("smart-targeting") == [("a1", "done", ""), ("a2", "done", ""), ("a3", "done", "")]
    assert [segment.name for segment in segments_of(patient)] == ["High Pain + Inactive"]
    the_admin_hears_and_calls(people.admin)
    the_front_desk_books(people.front_desk, story)
    the_patient_sees_the_visit(people.phone, story)
    the_specialist_sees_the_visit(people.specialist, story)
    people.admin.reads_the_run(
        "High Pain + Inactive",
        f"Patient · Age ≥ 65 (was {story.day_0.year - 1958})",
        "Patient · Number of visits = 0 (in the last 3 months) (was 0)",
        steps=["done", "done", "done"],
    )
    finds_nothing(
        people, patient, "staff:patient-summary", "staff:task-move", "staff:visit", "admin:automations_run_change"
    )
    people.pictures("targeting")


def the_specialist_notes_much_pain(specialist):
    specialist.finds("Marin, Maria")
    specialist.follows("Treatment")
    specialist.page.locator("section[aria-labelledby=pain] select").select_option("8")
    specialist.presses("Record it")
    specialist.sees("of 10")


def the_admin_hears_and_calls(admin):
    admin.hears("Maria Marin may need a call")
    admin.sees("8 of 10", TASK)
    admin.follows("Worklist")
    admin.presses(f"Claim: {TASK}")
    admin.sees("It is yours.")
    admin.gets_done(TASK)
    task = Task.objects.get()
    assert (task.status, task.assignee.slug, task.finished_by.slug) == ("done", "ada", "ada")


def the_front_desk_books(desk, story):
    desk.finds("Marin, Maria")
    desk.books(story.moment(3, "10:00"), Service="Initial Evaluation", Specialist="Dr. Ioana Ionescu")


def the_patient_sees_the_visit(phone, story):
    phone.opens("/portal/")
    phone.signs_in(story)
    phone.sees("Your next visit", in_full(story.moment(3, "10:00")), "Initial Evaluation · Dr. Ioana Ionescu")


def the_specialist_sees_the_visit(specialist, story):
    specialist.follows("Overview")
    specialist.sees(f"{at_the_desk(story.moment(3, '10:00'))} · booked", "8 of 10")
