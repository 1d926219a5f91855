"""The laws about messages of several forms fail where they should: a check that cannot fail proves nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Q

from automations.engine.declare import catalog
from automations.models import Step
from clinic import clock
from forms_app.tests.builders import make_template, require_step
from messaging.models import Delivery
from tests.walks import laws

pytestmark = pytest.mark.django_db
ACTION = catalog.actions["require_form"]


@pytest.fixture
def told(patient: Any) -> list[int]:
    """Two steps that tell of one form by one message."""
    make_template(patient.clinic, "privacy")
    steps = [require_step(patient, "privacy") for _ in range(2)]
    for step in steps:
        ACTION.perform([step])
    Step.objects.update(state=Step.State.DONE)
    return [step.id for step in steps]


def stop(notes: laws.Notes, step_id: int) -> None:
    notes.stopped(clock.now(), *notes.open_work(Q(pk=step_id), None))


def test_a_message_that_waits_after_both_have_stopped_breaks_the_law(told):
    notes = laws.Notes()
    stop(notes, told[1])
    laws.nothing_acts_after_its_stop(notes)
    stop(notes, told[0])
    with pytest.raises(AssertionError, match="a mail that was stopped still waits"):
        laws.nothing_acts_after_its_stop(notes)


def test_a_message_that_is_gone_while_one_still_tells_by_it_breaks_the_law(told):
    laws.nobody_waits_for_a_message_that_was_taken_back()
    Delivery.objects.update(state="withdrawn", reason="stopped")
    with pytest.raises(AssertionError, match="a message that somebody waits for is gone"):
        laws.nobody_waits_for_a_message_that_was_taken_back()


def test_a_message_that_waits_for_nobody_breaks_the_law(told):
    Delivery.objects.get().form_tellings.all().delete()
    with pytest.raises(AssertionError, match="a message of nobody waits"):
        laws.nobody_waits_for_a_message_that_was_taken_back()
