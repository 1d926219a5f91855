"""Recipe "treatment-adherence": a word to the patient, an alert and a task, once for each time the weeks turn low."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.services import update_clinic, update_membership
from automations.models import Run
from clinic.db import silently
from messaging.models import Notification
from patients import services as patients
from treatments import services as treatments
from treatments.models import WeeklyAdherence
from worklist.models import Task

SLUG = "treatment-adherence"
WORD = "A word from North Clinic"
BEHIND = "Maria Marin has fallen behind"
TALK = "Talk to the patient about the exercises"
EVERYTHING = [("a1", "done", ""), ("a2", "done", ""), ("a3", "done", "")]
UNURGED = [("a1", "skipped", "only_if_false"), ("a2", "done", ""), ("a3", "done", "")]


@pytest.fixture
def story(story):
    """The clinic, whose weeks begin on Monday, day 0; a week is judged at noon on the Monday after."""
    story.install(SLUG)
    return story


@pytest.fixture
def maria(patient, specialist):
    return patients.update(patient, specialist=specialist)


def plan_of(patient, sessions=4, **fields):
    """Assign a plan today."""
    exercises = [{"name": "Squats", "sessions_per_week": sessions}]
    draft = treatments.create_plan(clinic=patient.clinic, patient=patient, name="Knee", exercises=exercises, **fields)
    return treatments.assign(draft)


def train(story, plan, week, times, pain=None):
    """Log so many sessions in a week, one a day at ten in the evening, when it was done."""
    for n in range(times):
        story.walk(7 * week + n, "22:00")
        treatments.log_session(plan, pain=pain)


def judged(story, week):
    """Let time pass until the week was judged."""
    story.walk(7 * (week + 1), "12:01")


def test_a_good_week_then_a_low_one_is_told_at_noon_on_monday(story, maria, specialist):
    plan = plan_of(maria)
    train(story, plan, 0, 4, pain=3)
    train(story, plan, 1, 1)
    story.walk(14, "11:59")
    assert (story.mails(), story.told(specialist), story.tasks()) == ([], [], [])
    story.walk(14, "12:01")
    assert story.mails() == [(14, "12:00", "maria", WORD)]
    assert story.told(specialist) == [BEHIND]
    assert story.tasks() == [(TALK, "dr-ionescu")]
    assert story.local(Task.objects.get().due_at)[0] == 16
    assert story.steps(SLUG) == EVERYTHING


def test_a_plan_without_a_specialist_of_its_own_goes_to_the_patients(story, maria, specialist, admin):
    plan_of(maria)
    judged(story, 0)
    assert story.told(specialist) == [BEHIND]


def test_the_specialist_of_the_plan_comes_before_the_patients(story, patient, specialist, admin):
    plan_of(patient, specialist=specialist)
    judged(story, 0)
    assert story.told(specialist) == [BEHIND]
    assert story.tasks() == [(TALK, "dr-ionescu")]


def test_where_the_specialist_is_gone_the_admins_are_told(story, maria, specialist, admin):
    plan_of(maria, specialist=specialist)
    update_membership(specialist, is_active=False)
    judged(story, 0)
    assert story.told(specialist) == []
    assert story.told(admin) == [BEHIND]
    assert story.tasks() == [(TALK, "clinic_admin")]


@pytest.mark.parametrize(("done", "alerts"), [(0, 1), (1, 1), (2, 0), (3, 0), (4, 0)])
def test_the_first_week_counts_and_half_is_not_below_half(story, maria, done, alerts):
    train(story, plan_of(maria), 0, done)
    judged(story, 0)
    assert len(story.mails()) == Task.objects.count() == alerts


def test_weeks_that_stay_low_tell_nobody_again_and_a_second_crossing_does(story, maria):
    plan = plan_of(maria)
    for week, done in enumerate((1, 0, 1, 3, 4, 0)):
        train(story, plan, week, done)
    judged(story, 6)
    assert [day for day, *_ in story.mails()] == [7, 42]
    assert Task.objects.count() == 2


def test_a_good_week_tells_nobody(story, maria):
    plan = plan_of(maria)
    train(story, plan, 0, 4)
    train(story, plan, 1, 3)
    judged(story, 1)
    story.assert_nothing_happened(SLUG)


@pytest.mark.parametrize(("pain", "steps"), [(6, EVERYTHING), (7, UNURGED), (10, UNURGED), (None, EVERYTHING)])
def test_whom_it_hurts_is_not_urged(story, maria, specialist, pain, steps):
    plan = plan_of(maria)
    train(story, plan, 0, 1, pain=pain)
    judged(story, 0)
    assert story.steps(SLUG) == steps
    assert len(story.mails()) == (steps == EVERYTHING)
    assert (story.told(specialist), story.tasks()) == ([BEHIND], [(TALK, "dr-ionescu")])


def test_the_newest_pain_counts(story, maria):
    plan = plan_of(maria)
    train(story, plan, 0, 1, pain=9)
    treatments.record_pain(clinic=maria.clinic, patient=maria, value=2)
    judged(story, 0)
    assert story.steps(SLUG) == EVERYTHING


def test_a_late_entry_within_the_grace_keeps_it_quiet(story, maria):
    plan = plan_of(maria)
    story.walk(7, "11:00")
    for day in range(2):
        treatments.log_session(plan, done_at=story.moment(day, "10:00"))
    judged(story, 0)
    story.assert_nothing_happened(SLUG)


def test_a_later_entry_counts_and_tells_nobody_anything(story, maria):
    plan = plan_of(maria)
    judged(story, 0)
    before = len(story.mails()), Notification.objects.count(), Task.objects.count()
    for day in range(4):
        treatments.log_session(plan, done_at=story.moment(day, "10:00"))
    story.walk(9, "09:00")
    assert WeeklyAdherence.objects.get().percent == 100
    assert (len(story.mails()), Notification.objects.count(), Task.objects.count()) == before == (1, 1, 1)
    judged(story, 1)  # and the next low week is a crossing again
    assert [day for day, *_ in story.mails()] == [7, 14]


def test_a_session_struck_out_later_tells_nobody(story, maria):
    plan = plan_of(maria)
    train(story, plan, 0, 2)
    judged(story, 0)
    treatments.strike_session(plan.sessions.first())
    story.walk(8, "09:00")
    assert WeeklyAdherence.objects.get().percent == 25
    story.assert_nothing_happened(SLUG)


@pytest.mark.parametrize("days", [1, 2])
def test_a_first_week_of_less_than_three_days_is_not_judged(story, maria, days):
    plan_of(maria, starts_on=story.day_0 + timedelta(days=7 - days))
    judged(story, 0)
    story.assert_nothing_happened(SLUG)


def test_a_week_in_a_pause_is_not_judged(story, maria):
    plan = plan_of(maria)
    train(story, plan, 0, 4)
    story.walk(7, "09:00")
    treatments.pause(plan)
    judged(story, 2)
    story.assert_nothing_happened(SLUG)


@pytest.mark.parametrize("end", [treatments.complete, treatments.cancel])
def test_after_its_end_a_plan_is_not_judged(story, maria, end):
    plan = plan_of(maria)
    train(story, plan, 0, 4)
    story.walk(7, "09:00")
    end(plan)
    judged(story, 3)
    story.assert_nothing_happened(SLUG)


def test_the_last_days_of_a_plan_that_has_ended_are_told_to_the_staff_only(story, maria):
    plan = plan_of(maria)
    story.walk(4, "09:00")
    treatments.complete(plan)
    judged(story, 0)
    assert story.steps(SLUG) == UNURGED


def test_a_draft_is_not_judged(story, maria):
    exercises = [{"name": "Squats", "sessions_per_week": 4}]
    treatments.create_plan(clinic=maria.clinic, patient=maria, name="Knee", exercises=exercises)
    judged(story, 2)
    story.assert_nothing_happened(SLUG)


@pytest.mark.parametrize("leave", [patients.archive, patients.discharge])
def test_a_patient_who_left_is_not_judged(story, maria, leave):
    plan_of(maria)
    leave(maria)
    judged(story, 1)
    story.assert_nothing_happened(SLUG)


def test_nothing_prescribed_is_not_judged(story, maria):
    plan_of(maria, sessions=0)
    judged(story, 1)
    story.assert_nothing_happened(SLUG)


def test_a_plan_that_was_written_silently_is_judged_all_the_same(story, maria):
    with silently("import"):
        plan_of(maria)
    judged(story, 0)
    assert story.steps(SLUG) == EVERYTHING


def test_two_plans_are_two_stories(story, maria):
    knee, back = plan_of(maria), plan_of(maria)
    for n in range(4):
        story.walk(n, "22:00")
        treatments.log_session(knee)
    judged(story, 0)
    assert Run.objects.filter(rule__slug=SLUG, outcome=Run.Outcome.MATCHED).count() == 1
    assert Run.objects.get(rule__slug=SLUG).event.subject_id == back.pk


def test_a_clinic_whose_week_begins_on_sunday_judges_on_sunday(story, clinic, maria):
    update_clinic(clinic, week_start=6)
    maria.refresh_from_db()
    plan_of(maria)
    story.walk(6, "11:59")
    assert story.mails() == []
    story.walk(6, "12:01")
    assert story.mails() == [(6, "12:00", "maria", WORD)]
