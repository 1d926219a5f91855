"""Recipes "appointment-booked", "-new-time" and "-cancelled": what else a patient hears of a visit's fate."""

from __future__ import annotations

from datetime import time

import pytest

from accounts.services import update_clinic
from appointments import services as visits
from automations.models import Run
from clinic.db import origin, silently
from messaging.models import Delivery

NEW_TIME, CANCELLED, REMINDER = "appointment-new-time", "appointment-cancelled", "appointment-reminder-24h"


@pytest.fixture
def story(story):
    story.install(NEW_TIME, CANCELLED)
    return story


def test_a_moved_visit_is_told_with_its_new_time(story, patient):
    visit = story.book(patient, 5, "10:00", location="Room 2")
    story.walk(1, "12:00")
    visits.reschedule(visit, starts_at=story.moment(8, "14:15"))
    story.walk(1, "12:05")
    assert story.arrived() == [(1, "12:00", "New time")]
    text = story.text_of(0)
    assert "2:15" in text
    assert "10:00" not in text
    assert "no longer counts" in text
    assert "Where: Room 2" in text


def test_of_a_visit_moved_twice_within_the_undo_time_only_the_last_time_is_ever_told(story, patient):
    visit = story.book(patient, 5, "10:00")
    story.settle()
    with origin("session"):
        visits.reschedule(visit, starts_at=story.moment(8, "14:15"))
        story.settle()
        visits.reschedule(visit, starts_at=story.moment(9, "16:45"))
    story.walk(1, "09:00")
    assert story.arrived() == [(0, "09:01", "New time")]
    assert "4:45" in story.text_of(0)
    assert "2:15" not in story.text_of(0)


def test_a_cancelled_visit_is_told_as_cancelled(story, patient):
    visit = story.book(patient, 5, "10:00")
    story.walk(1, "12:00")
    visits.cancel(visit)
    story.walk(6, "09:00")
    assert story.arrived() == [(1, "12:00", "The visit is cancelled")]
    assert "10:00" in story.text_of(0)


def test_a_cancellation_taken_back_within_the_undo_time_is_not_told(story, patient):
    visit = story.book(patient, 5, "10:00")
    story.settle()
    with origin("session"):
        visits.cancel(visit)
        story.settle()
        visits.reopen(visit)
    story.walk(6, "09:00")
    assert story.mails() == []
    assert [row.state for row in Delivery.objects.all()] == ["withdrawn"]


def test_a_new_time_that_waits_for_the_morning_is_withdrawn_when_the_visit_is_cancelled(story, patient):
    update_clinic(story.clinic, quiet_start=time(20), quiet_end=time(8))
    visit = story.book(patient, 5, "10:00")
    story.walk(1, "22:00")
    visits.reschedule(visit, starts_at=story.moment(8, "14:15"))
    story.settle()
    visits.cancel(visit)
    story.walk(6, "09:00")
    assert story.arrived() == [(2, "08:00", "The visit is cancelled")]
    assert story.steps(NEW_TIME) == [("a1", "done", "")]


def test_reminder_new_time_and_cancellation_together_tell_one_story(story, patient):
    story.install(REMINDER)
    visit = story.book(patient, 3, "10:00")
    story.walk(2, "12:00")
    visits.reschedule(visit, starts_at=story.moment(8, "14:00"))
    story.walk(7, "15:00")
    visits.cancel(visit)
    story.walk(9, "09:00")
    assert story.arrived() == [
        (2, "10:00", "Reminder"),
        (2, "12:00", "New time"),
        (7, "14:00", "Reminder"),
        (7, "15:00", "The visit is cancelled"),
    ]


# --- where nothing may happen ---


def test_a_visit_moved_into_the_past_tells_no_new_time(story, patient):
    visit = story.book(patient, 5, "10:00")
    story.walk(6, "12:00")
    visits.reschedule(visit, starts_at=story.moment(4, "10:00"))
    story.walk(9, "09:00")
    story.assert_nothing_happened(NEW_TIME)


def test_a_visit_cancelled_after_its_time_tells_nobody(story, patient):
    visit = story.book(patient, 5, "10:00")
    story.walk(6, "12:00")
    visits.cancel(visit)
    story.walk(9, "09:00")
    story.assert_nothing_happened(CANCELLED)


def test_the_same_time_again_tells_nothing(story, patient):
    visit = story.book(patient, 5, "10:00")
    visits.reschedule(visit, starts_at=story.moment(5, "10:00"))
    story.walk(9, "09:00")
    story.assert_nothing_happened(NEW_TIME)


def test_another_specialist_or_room_is_no_new_time(story, patient, specialist):
    visit = story.book(patient, 5, "10:00")
    visits.change(visit, specialist=specialist, location="Room 3")
    story.walk(9, "09:00")
    story.assert_nothing_happened(NEW_TIME)


@pytest.mark.parametrize("end", [visits.no_show, visits.enter_in_error, visits.complete])
def test_what_is_no_cancellation_is_not_told_as_one(story, patient, end):
    end(story.book(patient, 5, "10:00"))
    story.walk(9, "09:00")
    story.assert_nothing_happened(CANCELLED)


def test_a_second_click_on_cancel_tells_nothing_more(story, patient):
    visit = story.book(patient, 5, "10:00")
    for _ in range(2):
        visits.cancel(visit)
    story.walk(9, "09:00")
    assert len(story.mails()) == 1
    assert Run.objects.filter(rule__slug=CANCELLED).count() == 1


def test_a_silent_correction_tells_nobody(story, patient):
    visit = story.book(patient, 5, "10:00")
    with silently("import"):
        visits.reschedule(visit, starts_at=story.moment(6, "10:00"))
        visits.cancel(visit)
    story.walk(9, "09:00")
    story.assert_nothing_happened(NEW_TIME)
    story.assert_nothing_happened(CANCELLED)


def test_a_series_is_booked_at_once_and_told_once_with_all_its_times(story, patient):
    story.install("appointment-booked")
    visits.book_series(
        clinic=story.clinic,
        patient=patient,
        service=story.service(),
        starts=[story.moment(day, "10:00") for day in range(7, 77, 7)],
        location="Room 2",
    )
    story.walk(1, "09:00")
    [(_day, _time, subject)] = story.arrived()
    assert subject == "Your visit"
    text = story.text_of(0)
    assert text.count("10:00") == 10
    assert "These visits are booked:" in text
    assert "Where: Room 2" in text


def test_a_single_visit_is_told_with_its_time(story, patient):
    story.install("appointment-booked")
    story.book(patient, 5, "10:00")
    story.walk(1, "09:00")
    assert len(story.mails()) == 1
    assert "A visit is booked: " in story.text_of(0)
