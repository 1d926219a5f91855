"""Recipe "smart-targeting": whoever comes to be in much pain and inactive is reminded, and the clinic is told."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from appointments import services as visits
from automations.models import Run
from clinic import clock
from clinic.db import silently
from messaging.models import Delivery
from patients import services as patients
from segments import selectors
from segments.models import Segment
from tests.journeys.story import Story, first_monday
from treatments.sessions import record_pain
from treatments.tests.builders import make_plan, make_session

SLUG = "smart-targeting"
REMINDER = "How are you?"
TASK = ("Call the patient about a check-up", "clinic_admin")
TOLD = "Maria Marin may need a call"


@pytest.fixture
def story(story, admin):
    story.install(SLUG)
    return story


def hurts(patient, value=8, days_ago=0):
    """Note how much it hurts."""
    moment = clock.now() - timedelta(days=days_ago)
    return record_pain(clinic=patient.clinic, patient=patient, value=value, measured_at=moment)


def exercised(patient, days_ago):
    """Have the patient follow a plan whose last session was so long ago."""
    plan = make_plan(patient, assigned_at=clock.now() - timedelta(days=days_ago + 1))
    make_session(plan, clock.now() - timedelta(days=days_ago))


def was_here(story, patient, days_ago):
    """Have a visit that took place."""
    with silently("history"):
        return visits.book(
            clinic=story.clinic,
            patient=patient,
            service=story.service(),
            starts_at=clock.now() - timedelta(days=days_ago),
            status="completed",
        )


def outcomes():
    """Return what became of the rule, run by run."""
    return list(Run.objects.filter(rule__slug=SLUG).order_by("pk").values_list("outcome", "reason"))


def test_much_pain_and_no_exercise_reminds_the_patient_and_tells_the_clinic(story, patient, admin):
    hurts(patient)
    story.settle()
    story.walk(0, "09:05")
    assert [(who, subject) for _, _, who, subject in story.mails()] == [("maria", REMINDER)]
    assert story.told(admin) == [TOLD]
    assert story.tasks() == [TASK]
    assert [segment.name for segment in selectors.segments_of(patient)] == ["High Pain + Inactive"]
    text = story.mailbox.taken[0].as_string().lower()
    assert "pain" not in text
    assert "segment" not in text


def test_a_month_without_exercise_is_found_after_midnight(story, patient, admin):
    exercised(patient, days_ago=29)
    hurts(patient)
    story.settle()
    assert story.tasks() == []
    story.walk(2, "09:00")
    assert story.arrived() == [(1, "00:00", REMINDER)]
    assert story.tasks() == [TASK]


def test_whoever_is_in_it_when_the_recipe_is_installed_is_left_alone(clinic, mailbox, patient, admin):
    story = Story(clinic, mailbox, first_monday(2))
    hurts(patient)
    story.install(SLUG)
    story.walk(0, "12:00")
    assert [row.patient_id for row in selectors.members(Segment.objects.get())] == [patient.pk]
    story.assert_nothing_happened(SLUG)


# --- where nothing may happen ---


@pytest.mark.parametrize("born", [date(1980, 5, 1), None])
def test_the_younger_and_those_of_unknown_age_are_left_alone(story, patient, born):
    patients.update(patient, birth_date=born)
    hurts(patient)
    story.walk(0, "12:00")
    assert selectors.segments_of(patient).exists()
    story.assert_nothing_happened(SLUG)


def test_whoever_was_here_within_three_months_is_left_alone(story, patient):
    was_here(story, patient, days_ago=60)
    hurts(patient)
    story.walk(0, "12:00")
    story.assert_nothing_happened(SLUG)


def test_a_visit_longer_ago_is_no_visit(story, patient):
    was_here(story, patient, days_ago=100)
    hurts(patient)
    story.walk(0, "12:00")
    assert story.tasks() == [TASK]


@pytest.mark.parametrize(("value", "days_ago"), [(6, 0), (9, 91)])
def test_less_pain_and_pain_of_long_ago_enter_nobody(story, patient, value, days_ago):
    hurts(patient, value, days_ago)
    story.walk(0, "12:00")
    assert not selectors.segments_of(patient).exists()
    story.assert_nothing_happened(SLUG)


def test_the_latest_pain_counts(story, patient):
    hurts(patient, 9, days_ago=10)
    hurts(patient, 3, days_ago=2)
    story.walk(0, "12:00")
    assert [row.is_member for row in patient.memberships.all()] in ([], [False])
    story.assert_nothing_happened(SLUG)


def test_whoever_exercises_is_left_alone(story, patient):
    exercised(patient, days_ago=3)
    hurts(patient)
    story.walk(0, "12:00")
    assert not selectors.segments_of(patient).exists()
    story.assert_nothing_happened(SLUG)


def test_pain_imported_silently_enters_and_says_nothing(story, patient):
    with silently("import"):
        hurts(patient)
    story.walk(0, "12:00")
    assert selectors.segments_of(patient).exists()
    story.assert_nothing_happened(SLUG)


def test_somebody_who_has_left_is_left_alone(story, patient):
    patients.discharge(patient)
    hurts(patient)
    story.walk(0, "12:00")
    story.assert_nothing_happened(SLUG)


# --- a visit is booked; again ---


def test_whoever_has_booked_gets_no_reminder_and_the_clinic_is_told_all_the_same(story, patient, admin):
    story.book(patient, 14, "10:00")
    hurts(patient)
    story.walk(0, "12:00")
    assert story.mails() == []
    assert Delivery.objects.count() == 0
    assert story.told(admin) == [TOLD]
    assert story.tasks() == [TASK]
    assert story.steps(SLUG)[0] == ("a1", "skipped", "only_if_false")


def test_leaving_and_entering_within_90_days_is_once_and_after_them_again(story, patient):
    for day, value in ((0, 8), (1, 2), (40, 9), (41, 2), (95, 8)):
        if day:
            clock.advance_to(story.moment(day, "10:00"))
        hurts(patient, value)
        story.settle()
    assert outcomes() == [("matched", ""), ("suppressed", "reentry"), ("matched", "")]
    assert story.tasks() == [TASK, TASK]
