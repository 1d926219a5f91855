"""Fewer than half of a week's sessions were done: a word to the patient, an alert and a task for the specialist."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.stranger import finds_nothing
from treatments.models import ExerciseSession, WeeklyAdherence
from worklist.models import Task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


@pytest.mark.proof(only=True)
def test_a_patient_who_falls_behind_is_encouraged_and_the_specialist_is_alerted(people, story, patient, specialist):
    people.admin.switches_on("A patient falls behind with the exercises")
    the_specialist_prescribes_four_sessions_a_week(people.specialist)
    the_patient_does_one(people.phone, story)

    story.walk(7, "11:00")
    assert len(story.mails()) == 1
    story.walk(7, "14:00")

    assert WeeklyAdherence.objects.get().percent == 25
    assert story.mails()[1:] == [(7, "12:00", "maria", "A word from North Clinic")]
    assert story.told(specialist) == ["Maria Marin has fallen behind"]
    assert story.steps("treatment-adherence") == [("a1", "done", ""), ("a2", "done", ""), ("a3", "done", "")]
    people.phone.follows("Exercises")
    people.phone.sees("Squats")
    the_desk_sees_what_was_sent(people.front_desk)
    the_specialist_hears_and_gets_it_done(people.specialist)
    people.admin.reads_the_run("Adherence dropped", "Maria Marin", steps=["done", "done", "done"])
    finds_nothing(
        people,
        patient,
        "staff:patient-summary",
        "staff:plan",
        "staff:task-move",
        "staff:message",
        "admin:automations_run_change",
    )
    people.pictures("adherence")


def the_specialist_prescribes_four_sessions_a_week(specialist):
    specialist.finds("Marin, Maria")
    specialist.follows("Treatment")
    specialist.follows("New plan")
    specialist.writes(Name="Knee", Exercise_1="Squats", Times_a_week_1="4")
    specialist.chooses(Specialist="Dr. Ioana Ionescu")
    specialist.presses("Assign to the patient")
    specialist.sees("4 sessions a week")


def the_patient_does_one(phone, story):
    phone.opens("/portal/")
    phone.signs_in(story)
    phone.follows("Log an exercise")
    phone.ticks("3", group="How strong was the pain?")
    phone.presses("Save")
    phone.sees("Well done: it is logged.")
    assert [(one.pain, one.logged_by) for one in ExerciseSession.objects.all()] == [(3, "patient")]


def the_desk_sees_what_was_sent(desk):
    desk.finds("Marin, Maria")
    desk.follows("Timeline")
    desk.sees("Motivation", "A patient falls behind with the exercises")
    expect(desk.page.get_by_role("link", name="New plan")).to_have_count(0)


def the_specialist_hears_and_gets_it_done(specialist):
    specialist.hears("Maria Marin has fallen behind")
    specialist.sees("1 of 4", "25 %", "Talk to the patient about the exercises")
    specialist.gets_done("Talk to the patient about the exercises")
    task = Task.objects.get()
    assert (task.status, task.assignee.slug, task.finished_by.slug) == ("done", "dr-ionescu", "dr-ionescu")
