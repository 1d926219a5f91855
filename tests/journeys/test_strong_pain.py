"""Recipe "session-strong-pain": pain of 8 or more in a session is the specialist's task today."""

from __future__ import annotations

import pytest

from automations.models import Run
from clinic.db import silently
from treatments import services as treatments
from worklist.models import Task

SLUG = "session-strong-pain"
CALL = "Strong pain in a session: call the patient"


@pytest.fixture
def story(story):
    story.install(SLUG)
    return story


@pytest.fixture
def plan(story, patient, specialist):
    draft = treatments.create_plan(
        clinic=patient.clinic,
        patient=patient,
        name="Knee",
        specialist=specialist,
        exercises=[{"name": "Squats", "sessions_per_week": 3}],
    )
    return treatments.assign(draft)


@pytest.mark.parametrize("pain", [8, 9, 10])
def test_it_is_the_specialists_task_on_the_same_day(story, plan, pain):
    story.walk(1, "18:30")
    treatments.log_session(plan, pain=pain)
    story.settle()
    assert story.tasks() == [(CALL, "dr-ionescu")]
    task = Task.objects.get()
    assert (story.local(task.due_at)[0], task.priority) == (1, "high")


@pytest.mark.parametrize("pain", [0, 5, 7, None])
def test_less_pain_or_none_told_makes_no_task(story, plan, pain):
    treatments.log_session(plan, pain=pain)
    story.settle()
    story.assert_nothing_happened(SLUG)


def test_each_session_with_strong_pain_is_a_task_of_its_own(story, plan):
    for _ in range(2):
        treatments.log_session(plan, pain=8)
    story.settle()
    assert len(story.tasks()) == 2


def test_a_session_corrected_to_strong_pain_makes_no_task(story, plan):
    session = treatments.log_session(plan, pain=2)
    treatments.correct_session(session, pain=9)
    story.settle()
    story.assert_nothing_happened(SLUG)


def test_strong_pain_told_outside_a_session_makes_no_task(story, plan):
    treatments.record_pain(clinic=plan.clinic, patient=plan.patient, value=9)
    story.settle()
    story.assert_nothing_happened(SLUG)


def test_a_silent_session_makes_no_task(story, plan):
    with silently("import"):
        treatments.log_session(plan, pain=9)
    story.settle()
    story.assert_nothing_happened(SLUG)


def test_without_a_specialist_the_admins_have_the_task(story, plan, admin):
    treatments.change(plan, specialist=None)
    treatments.log_session(plan, pain=9)
    story.settle()
    assert story.tasks() == [(CALL, "clinic_admin")]
    assert Run.objects.filter(rule__slug=SLUG).count() == 1
