"""A week closes with real workers at work: only the clock is moved."""

from __future__ import annotations

from typing import Any

import pytest

from clinic.embedded.process import wait_until
from tests.journeys.story import LiveStory, first_monday
from treatments import services as treatments
from treatments.models import WeeklyAdherence

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def story(live_server: Any, start_worker: Any, clinic: Any, mailbox: Any, settings: Any) -> LiveStory:
    """The clinic with the rule on, an engine worker with beat and a deliver worker."""
    settings.PUBLIC_URL = live_server.url
    mail = {"TEST_EMAIL_HOST": "127.0.0.1", "TEST_EMAIL_PORT": str(mailbox.port)}
    start_worker("engine", PUBLIC_URL=live_server.url)
    start_worker("deliver", beat=False, PUBLIC_URL=live_server.url, **mail)
    story = LiveStory(clinic, mailbox, first_monday(2))
    story.install("treatment-adherence")
    return story


def test_the_sweep_closes_the_week_and_the_rule_answers(story, patient, specialist):
    exercises = [{"name": "Squats", "sessions_per_week": 4}]
    plan = treatments.create_plan(
        clinic=patient.clinic, patient=patient, name="Knee", specialist=specialist, exercises=exercises
    )
    treatments.assign(plan)
    story.walk(7, "11:59")
    assert not WeeklyAdherence.objects.exists()
    story.walk(7, "12:00")
    assert wait_until(WeeklyAdherence.objects.exists, 90)
    story.settle()
    assert wait_until(lambda: len(story.mails()) == 1, 90)
    assert story.mails()[0][2:] == ("maria", "A word from North Clinic")
    assert story.told(specialist) == ["Maria Marin has fallen behind"]
    assert story.tasks() == [("Talk to the patient about the exercises", "dr-ionescu")]
    story.walk(14, "12:00")
    assert wait_until(lambda: WeeklyAdherence.objects.count() == 2, 90)
    story.settle()
    assert len(story.mails()) == 1
