"""Recipe "appointment-reminder-24h": one email a day before the visit, wherever the visit goes meanwhile."""

from __future__ import annotations

from datetime import UTC, time, timedelta

import pytest
from django.core.management import call_command

from accounts.services import update_clinic
from appointments import services as visits
from automations import recipes
from clinic.db import silently
from messaging.models import Delivery
from patients import services as patients
from tests.journeys.story import Story, last_sunday

SLUG = "appointment-reminder-24h"


@pytest.fixture
def story(story):
    story.install(SLUG)
    return story


def test_the_reminder_arrives_24_hours_before_the_visit_and_says_when_and_where(story, patient):
    story.book(patient, 5, "10:00", location="Room 2")
    story.walk(4, "09:59")
    assert story.mails() == []
    story.walk(6, "10:00")
    assert story.arrived() == [(4, "10:00", "Reminder")]
    assert "10:00" in story.text_of(0)
    assert "Where: Room 2" in story.text_of(0)
    assert "valuation" not in story.mailbox.taken[0].as_string()


def test_two_weeks_ahead_is_no_different(story, patient):
    story.book(patient, 14, "16:30")
    story.walk(15, "09:00")
    assert story.arrived() == [(13, "16:30", "Reminder")]


def test_each_visit_has_its_own_reminder(story, patient):
    story.book(patient, 3, "10:00")
    story.book(patient, 5, "11:00")
    story.walk(6, "09:00")
    assert story.arrived() == [(2, "10:00", "Reminder"), (4, "11:00", "Reminder")]


def test_each_visit_of_a_series_has_its_own_reminder(story, patient):
    starts = [story.moment(day, "10:00") for day in (3, 10, 17)]
    visits.book_series(clinic=story.clinic, patient=patient, service=story.service(), starts=starts)
    story.walk(20, "09:00")
    assert story.arrived() == [(day, "10:00", "Reminder") for day in (2, 9, 16)]


def test_the_tick_command_walks_the_same_way(story, patient, capsys):
    story.book(patient, 5, "10:00")
    call_command("tick", at=story.moment(6, "09:00").isoformat())
    assert story.arrived() == [(4, "10:00", "Reminder")]
    assert story.moment(4, "10:00").astimezone(UTC).isoformat() in capsys.readouterr().out


def test_a_silent_move_takes_the_reminder_along_all_the_same(story, patient):
    visit = story.book(patient, 3, "10:00")
    story.settle()
    with silently("import"):
        visits.reschedule(visit, starts_at=story.moment(8, "14:00"))
    story.walk(9, "09:00")
    assert story.arrived() == [(7, "14:00", "Reminder")]


def test_a_silent_cancellation_stops_the_reminder_all_the_same(story, patient):
    visit = story.book(patient, 3, "10:00")
    story.settle()
    with silently("import"):
        visits.cancel(visit)
    story.walk(9, "09:00")
    assert story.steps(SLUG) == [("a1", "cancelled", "stopped")]
    assert story.mails() == []


def test_a_visit_is_reminded_of_once_however_often_it_is_confirmed(story, patient):
    visit = story.book(patient, 5, "10:00")
    for _ in range(2):
        visits.confirm(visit)
    story.walk(6, "09:00")
    assert story.arrived() == [(4, "10:00", "Reminder")]


@pytest.mark.parametrize(("month", "before"), [(3, "09:00"), (10, "11:00")])
def test_24_hours_are_24_hours_also_when_the_clocks_change(clinic, mailbox, patient, month, before):
    """On the last Sunday of March the day has 23 hours, on that of October 25."""
    story = Story(clinic, mailbox, last_sunday(month) - timedelta(days=6))
    story.install(SLUG)
    story.book(patient, 6, "10:00")
    story.book(patient, 7, "10:00")
    story.walk(8, "09:00")
    assert story.arrived() == [(5, before, "Reminder"), (6, "10:00", "Reminder")]


def test_a_visit_that_moves_later_takes_its_reminder_along(story, patient):
    visit = story.book(patient, 3, "10:00")
    story.walk(1, "12:00")
    visits.reschedule(visit, starts_at=story.moment(8, "14:00"))
    assert story.due(SLUG) == [(7, "14:00")]
    story.walk(9, "09:00")
    assert story.arrived() == [(7, "14:00", "Reminder")]


def test_a_visit_that_moves_earlier_takes_its_reminder_along(story, patient):
    visit = story.book(patient, 8, "10:00")
    story.walk(1, "12:00")
    visits.reschedule(visit, starts_at=story.moment(3, "14:00"))
    story.walk(9, "09:00")
    assert story.arrived() == [(2, "14:00", "Reminder")]


def test_a_visit_moved_after_its_reminder_is_reminded_of_anew(story, patient):
    visit = story.book(patient, 3, "10:00")
    story.walk(2, "12:00")
    visits.reschedule(visit, starts_at=story.moment(8, "14:00"))
    story.walk(9, "09:00")
    assert story.arrived() == [(2, "10:00", "Reminder"), (7, "14:00", "Reminder")]
    assert story.steps(SLUG) == [("a1", "done", ""), ("a1", "done", "")]


def test_a_reminder_that_still_waits_for_the_morning_is_taken_back_when_the_visit_moves(story, patient):
    update_clinic(story.clinic, quiet_start=time(20), quiet_end=time(8))
    visit = story.book(patient, 3, "23:00")
    story.walk(2, "23:30")
    assert story.mails() == []
    visits.reschedule(visit, starts_at=story.moment(8, "14:00"))
    story.walk(9, "09:00")
    assert story.arrived() == [(7, "14:00", "Reminder")]
    assert list(Delivery.objects.order_by("pk").values_list("state", flat=True)) == ["withdrawn", "sent"]


def test_a_reminder_that_still_waits_does_not_leave_after_a_visit_that_moved_before_it(story, patient):
    update_clinic(story.clinic, quiet_start=time(20), quiet_end=time(8))
    visit = story.book(patient, 3, "23:00")
    story.walk(2, "23:30")
    visits.reschedule(visit, starts_at=story.moment(3, "07:00"))
    story.walk(9, "09:00")
    assert story.mails() == []
    assert [row.state for row in Delivery.objects.all()] == ["withdrawn"]


def test_in_quiet_hours_the_reminder_waits_for_the_morning(story, patient):
    update_clinic(story.clinic, quiet_start=time(20), quiet_end=time(8))
    story.book(patient, 3, "22:00")
    story.walk(3, "09:00")
    assert story.arrived() == [(3, "08:00", "Reminder")]


def test_a_reminder_that_would_come_less_than_12_hours_before_the_visit_goes_in_the_night(story, patient):
    update_clinic(story.clinic, quiet_start=time(20), quiet_end=time(10))
    story.book(patient, 3, "21:00")
    story.walk(4, "09:00")
    assert story.arrived() == [(2, "21:00", "Reminder")]


def test_a_patient_in_another_zone_is_told_the_time_there_and_its_zone_by_name(story, patient):
    patients.update(patient, time_zone="America/New_York")
    story.book(patient, 3, "15:00")
    story.walk(4, "09:00")
    assert story.arrived() == [(2, "15:00", "Reminder")]
    assert ", 8:00" in story.text_of(0)
    assert "Eastern" in story.text_of(0)


# --- where nothing may happen ---


def test_a_visit_booked_less_than_24_hours_ahead_gets_no_reminder(story, patient):
    story.book(patient, 1, "08:00")
    story.walk(2, "09:00")
    assert story.steps(SLUG) == [("a1", "skipped", "too_late")]
    assert story.mails() == []
    assert Delivery.objects.count() == 0


def test_a_visit_moved_to_less_than_24_hours_ahead_gets_no_reminder(story, patient):
    visit = story.book(patient, 8, "10:00")
    story.walk(1, "12:00")
    visits.reschedule(visit, starts_at=story.moment(2, "10:00"))
    story.walk(9, "09:00")
    assert story.steps(SLUG) == [("a1", "skipped", "too_late")]
    assert story.mails() == []


@pytest.mark.parametrize("end", [visits.cancel, visits.no_show, visits.enter_in_error, visits.start, visits.complete])
def test_a_visit_that_ends_or_begins_before_is_not_reminded_of(story, patient, end):
    visit = story.book(patient, 5, "10:00")
    story.walk(1, "12:00")
    end(visit)
    assert story.steps(SLUG) == [("a1", "cancelled", "stopped")]
    story.walk(6, "09:00")
    assert story.mails() == []
    assert Delivery.objects.count() == 0


def test_a_visit_cancelled_before_anybody_matched_it_is_not_reminded_of(story, patient):
    visits.cancel(story.book(patient, 5, "10:00"))
    story.walk(6, "09:00")
    assert story.steps(SLUG) == [("a1", "cancelled", "stopped")]
    assert story.mails() == []


def test_a_cancelled_visit_that_moves_is_not_reminded_of(story, patient):
    visit = story.book(patient, 5, "10:00")
    story.settle()
    visits.cancel(visit)
    type(visit).objects.filter(pk=visit.pk).update(starts_at=story.moment(9, "10:00"))
    story.walk(10, "09:00")
    assert story.steps(SLUG) == [("a1", "cancelled", "stopped")]
    assert story.mails() == []


def test_a_patient_who_has_left_is_not_reminded(story, patient):
    story.book(patient, 5, "10:00")
    story.settle()
    patients.discharge(patient)
    story.walk(6, "09:00")
    assert story.steps(SLUG) == [("a1", "cancelled", "stopped")]
    assert story.mails() == []


@pytest.mark.parametrize("status", ["completed", "cancelled", "no_show"])
def test_a_visit_recorded_afterwards_is_not_reminded_of(story, patient, status):
    story.book(patient, -3, "10:00", status=status)
    story.walk(6, "09:00")
    assert {state for _, state, _ in story.steps(SLUG)} <= {"skipped", "cancelled", "expired"}
    assert Delivery.objects.count() == 0
    assert story.mails() == []


def test_a_visit_booked_silently_is_not_reminded_of(story, patient):
    with silently("import"):
        story.book(patient, 5, "10:00")
    story.walk(6, "09:00")
    story.assert_nothing_happened(SLUG)


def test_a_rule_that_is_only_a_draft_reminds_nobody(story, stranger_patient):
    [rule] = recipes.install(clinic=stranger_patient.clinic, slug=SLUG)
    there = visits.create_service(clinic=stranger_patient.clinic, slug="physiotherapy", name="Physiotherapy")
    visits.book(
        clinic=stranger_patient.clinic, patient=stranger_patient, service=there, starts_at=story.moment(5, "10:00")
    )
    story.walk(6, "09:00")
    assert rule.mode == "draft"
    story.assert_nothing_happened(SLUG)
