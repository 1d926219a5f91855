"""Recipe "follow-up-initial-evaluation": a survey, a reminder to book, and the summary once it is released."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appointments import services as visits
from clinic.db import silently
from forms_app import services as forms
from forms_app.models import FormRequest
from messaging.models import Delivery
from patients import services as patients
from tests.journeys.story import Story, last_sunday

SLUG = "follow-up-initial-evaluation"
SURVEY = "North Clinic"
BOOK_AGAIN = "Shall we go on?"
SUMMARY = "You have a message from North Clinic"
VAIN = "Waited in vain"


@pytest.fixture
def story(story):
    story.install(SLUG)
    return story


def completed(story, patient, slug="initial-evaluation", at="10:00", **fields):
    """Have a visit take place today from nine to ten."""
    visit = story.book(patient, 0, "09:30", slug, **fields)
    story.walk(0, at)
    return visits.complete(visit)


def release(visit):
    """Write the visit's summary and release it."""
    visits.write_summary(visit, text="All is well.")
    visits.release_summary(visit)


def test_survey_after_24_hours_and_a_reminder_to_book_after_two_weeks(story, patient, specialist):
    completed(story, patient, specialist=specialist)
    story.walk(1, "09:59")
    assert story.mails() == []
    story.walk(20, "09:00")
    assert story.arrived() == [(1, "10:00", SURVEY), (14, "10:00", BOOK_AGAIN)]
    assert story.forms() == [("satisfaction-survey", "required")]


@pytest.mark.parametrize(("month", "survey"), [(3, "11:00"), (10, "09:00")])
def test_24_hours_are_elapsed_and_two_weeks_are_the_calendar_when_the_clocks_change(
    clinic, mailbox, patient, admin, month, survey
):
    """The visit is completed at ten on the Saturday before."""
    story = Story(clinic, mailbox, last_sunday(month) - timedelta(days=1))
    story.install(SLUG)
    completed(story, patient)
    story.walk(20, "09:00")
    assert story.arrived() == [(1, survey, SURVEY), (14, "10:00", BOOK_AGAIN)]


# --- the summary: early, late, never ---


def test_a_summary_released_the_next_day_is_told_at_once(story, patient, specialist):
    visit = completed(story, patient, specialist=specialist)
    story.walk(1, "16:30")
    release(visit)
    story.walk(4, "09:00")
    assert story.arrived() == [(1, "10:00", SURVEY), (1, "16:30", SUMMARY)]
    assert "All is well" not in story.mailbox.taken[1].as_string()
    assert story.tasks() == []


def test_a_summary_released_before_the_visit_was_completed_is_told_on_completion(story, patient, specialist):
    visit = story.book(patient, 0, "09:30", specialist=specialist)
    release(visit)
    story.walk(0, "10:00")
    assert story.mails() == []
    visits.complete(visit)
    story.walk(0, "12:00")
    assert story.arrived() == [(0, "10:00", SUMMARY)]


def test_a_summary_that_is_only_a_draft_is_never_told_and_becomes_the_specialists_task(story, patient, specialist):
    visit = completed(story, patient, specialist=specialist)
    visits.write_summary(visit, text="Not yet.")
    story.walk(3, "09:59")
    assert story.tasks() == []
    story.walk(3, "10:05")
    assert [(title.partition(":")[0], to) for title, to in story.tasks()] == [(VAIN, "dr-ionescu")]
    assert story.arrived() == [(1, "10:00", SURVEY)]
    assert story.steps(SLUG)[2][:2] == ("a3", "done")


def test_a_summary_released_after_it_became_a_task_is_not_told_by_this_rule(story, patient, specialist):
    visit = completed(story, patient, specialist=specialist)
    story.walk(5, "09:00")
    release(visit)
    story.walk(6, "09:00")
    assert story.arrived() == [(1, "10:00", SURVEY)]
    assert len(story.tasks()) == 1


def test_the_summary_of_another_visit_is_not_waited_for(story, patient, specialist):
    completed(story, patient, specialist=specialist)
    release(story.book(patient, 0, "15:00", "physiotherapy", specialist=specialist))
    story.walk(2, "09:00")
    assert story.arrived() == [(1, "10:00", SURVEY)]


# --- the reminder to book ---


def test_whoever_has_booked_by_then_is_not_reminded_to_book(story, patient, specialist):
    completed(story, patient, specialist=specialist)
    story.walk(13, "09:00")
    story.book(patient, 30, "10:00", "physiotherapy")
    story.walk(20, "09:00")
    assert story.arrived() == [(1, "10:00", SURVEY)]
    assert story.steps(SLUG)[1] == ("a2", "skipped", "only_if_false")


def test_whoever_booked_and_cancelled_is_reminded_to_book(story, patient, specialist):
    completed(story, patient, specialist=specialist)
    story.walk(5, "09:00")
    visits.cancel(story.book(patient, 30, "10:00", "physiotherapy"))
    story.walk(20, "09:00")
    assert story.arrived() == [(1, "10:00", SURVEY), (14, "10:00", BOOK_AGAIN)]


def test_whoever_came_again_meanwhile_but_has_nothing_ahead_is_reminded_to_book(story, patient, specialist):
    completed(story, patient, specialist=specialist)
    story.walk(5, "09:00")
    visits.complete(story.book(patient, 5, "08:00", "physiotherapy"))
    story.walk(20, "09:00")
    assert (14, "10:00", BOOK_AGAIN) in story.arrived()


# --- where nothing may happen ---


def test_another_service_is_not_followed_up(story, patient, specialist):
    completed(story, patient, "physiotherapy", specialist=specialist)
    story.walk(20, "09:00")
    story.assert_nothing_happened(SLUG)


@pytest.mark.parametrize("end", [visits.cancel, visits.no_show, visits.enter_in_error])
def test_a_visit_that_did_not_take_place_is_not_followed_up(story, patient, specialist, end):
    visit = story.book(patient, 0, "09:30", specialist=specialist)
    story.walk(0, "10:00")
    end(visit)
    story.walk(20, "09:00")
    story.assert_nothing_happened(SLUG)


@pytest.mark.parametrize("correct", [visits.reopen, visits.enter_in_error])
def test_a_completion_that_was_a_mistake_stops_all_that_it_planned(story, patient, specialist, correct):
    visit = completed(story, patient, specialist=specialist)
    story.walk(0, "15:00")
    correct(visit)
    assert story.steps(SLUG) == [(action, "cancelled", "stopped") for action in ("a1", "a2", "a3")]
    story.walk(20, "09:00")
    assert story.mails() == []
    assert story.forms() == []
    assert story.tasks() == []


def test_completed_again_after_a_correction_is_followed_up_once(story, patient, specialist):
    visit = completed(story, patient, specialist=specialist)
    story.settle()
    visit = visits.reopen(visit, to="confirmed")
    story.walk(0, "11:30")
    visits.complete(visit)
    story.walk(2, "09:00")
    assert story.arrived() == [(1, "11:30", SURVEY)]


def test_a_survey_that_was_answered_meanwhile_is_not_asked_again(story, patient, specialist):
    visit = completed(story, patient, specialist=specialist)
    story.walk(1, "12:00")
    survey = FormRequest.objects.get()
    assert (survey.about_type, survey.about_id) == ("appointment", visit.pk)
    forms.sign(survey, answers={"recommend": 9}, signed_by="Maria Marin")
    story.walk(20, "09:00")
    assert story.forms() == [("satisfaction-survey", "submitted")]


def test_a_patient_who_left_hears_nothing_more(story, patient, specialist):
    completed(story, patient, specialist=specialist)
    story.walk(1, "12:00")
    patients.discharge(patient)
    story.walk(20, "09:00")
    assert story.arrived() == [(1, "10:00", SURVEY)]
    assert story.forms() == [("satisfaction-survey", "voided")]
    assert story.tasks() == []


def test_a_completion_imported_silently_is_not_followed_up(story, patient, specialist):
    with silently("import"):
        completed(story, patient, specialist=specialist)
    story.walk(20, "09:00")
    story.assert_nothing_happened(SLUG)


def test_an_old_visit_that_was_recorded_late_asks_no_survey_of_last_month(story, patient, specialist):
    visits.book(
        clinic=story.clinic,
        patient=patient,
        service=story.service(),
        starts_at=story.moment(-30, "10:00"),
        status="completed",
        occurred_at=story.moment(-30, "11:00"),
        specialist=specialist,
    )
    story.walk(20, "09:00")
    assert [step for step in story.steps(SLUG) if step[0] != "a3"] == [
        ("a1", "expired", "stale_event"),
        ("a2", "expired", "stale_event"),
    ]
    assert story.mails() == []
    assert story.forms() == []
    assert Delivery.objects.count() == 0
