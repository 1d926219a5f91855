"""Recipe "appointment-missed": who did not come gets a word and a call, unless another time is found."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appointments import services as visits
from clinic.db import origin, silently
from messaging.models import Delivery

MISSED = "appointment-missed"


@pytest.fixture
def story(story):
    story.install(MISSED)
    return story


@pytest.fixture
def missed(story, patient):
    """A visit at ten today; it is half past ten, and nobody has come."""
    visit = story.book(patient, 0, "10:00")
    story.walk(0, "10:30")
    return visit


def test_who_did_not_come_gets_a_word_and_the_front_desk_calls_next_morning(story, missed):
    visits.no_show(missed)
    story.walk(0, "18:00")
    assert story.arrived() == [(0, "10:30", "We missed you")]
    assert "10:00" in story.text_of(0)
    assert story.tasks() == []
    story.walk(1, "09:05")
    assert [title for title, *_ in story.tasks()] == ["Call about the missed visit"]


def test_a_message_may_not_say_what_the_visit_was_for(story, missed):
    visits.no_show(missed)
    story.walk(0, "18:00")
    assert "evaluation" not in story.text_of(0).lower()


# --- where nothing may happen ---


def test_who_is_booked_again_already_hears_nothing(story, missed, patient):
    story.book(patient, 7, "10:00")
    visits.no_show(missed)
    story.walk(3, "12:00")
    story.assert_nothing_happened(MISSED)


def test_whoever_books_the_same_day_is_not_called(story, missed, patient):
    visits.no_show(missed)
    story.walk(0, "15:00")
    story.book(patient, 7, "10:00")
    story.walk(2, "12:00")
    assert story.tasks() == []
    assert story.steps(MISSED)[-1] == ("a2", "skipped", "only_if_false")


def test_a_mistake_taken_back_within_the_undo_time_is_not_told(story, missed):
    with origin("session"):
        visits.no_show(missed)
        story.settle()
        visits.reopen(missed)
    story.walk(2, "12:00")
    assert story.mails() == []
    assert [row.state for row in Delivery.objects.all()] == ["withdrawn"]
    assert story.tasks() == []


def test_a_mistake_taken_back_later_stops_the_call(story, missed):
    visits.no_show(missed)
    story.walk(0, "15:00")
    visits.reopen(missed)
    story.walk(2, "12:00")
    assert story.tasks() == []
    assert story.steps(MISSED)[-1] == ("a2", "cancelled", "stopped")


def test_a_cancelled_visit_is_not_a_missed_one(story, missed):
    visits.cancel(missed)
    story.walk(2, "12:00")
    story.assert_nothing_happened(MISSED)


def test_an_import_of_missed_visits_is_silent(story, missed):
    with silently("import"):
        visits.no_show(missed)
    story.walk(2, "12:00")
    story.assert_nothing_happened(MISSED)


def test_what_is_noted_more_than_a_day_late_comes_too_late_for_a_word(story, missed):
    story.walk(3, "12:00")
    visits.no_show(missed, occurred_at=story.moment(0, "10:30"))
    story.settle()
    assert story.mails() == []
    assert story.steps(MISSED)[0] == ("a1", "expired", "stale_event")
    assert story.moment(3, "12:00") - story.moment(0, "10:30") > timedelta(hours=24)
