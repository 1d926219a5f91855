"""The laws about messages of several forms fail where they should: a check that cannot fail proves nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q

from accounts.models import Pause
from automations.engine.declare import catalog
from automations.models import Step
from clinic import clock
from forms_app.models import FormTelling
from forms_app.telling import tell_of_all
from forms_app.tests.automation.sharing import two_parents
from forms_app.tests.builders import make_template, require_step
from messaging.models import Delivery, DeliveryAttempt
from tests.walks import laws

pytestmark = pytest.mark.django_db
ACTION = catalog.actions["require_form"]


@pytest.fixture
def told(patient: Any) -> list[int]:
    """Two steps that tell of one form by one message."""
    make_template(patient.clinic, "privacy")
    steps = [require_step(patient, "privacy") for _ in range(2)]
    for step in steps:
        Step.objects.filter(pk=step.id).update(state=Step.State.DONE, result=ACTION.perform([step])[step.id])
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
    with pytest.raises(AssertionError, match="a message that a step waits for is gone"):
        laws.nobody_waits_for_a_message_that_was_taken_back()


def test_a_message_that_goes_because_who_joined_it_was_not_kept_breaks_the_law(told):
    FormTelling.objects.filter(step=told[1]).delete()
    ACTION.withdraw([told[0]])
    assert Delivery.objects.get().state == "withdrawn"
    with pytest.raises(AssertionError, match="a message that a step waits for is gone"):
        laws.nobody_waits_for_a_message_that_was_taken_back()


def test_a_persons_message_that_is_gone_breaks_the_law(told):
    tell_of_all([Delivery.objects.get()], clock.now())
    FormTelling.objects.filter(step__in=told).update(stopped_at=clock.now())
    laws.nobody_waits_for_a_message_that_was_taken_back()
    Delivery.objects.update(state="withdrawn", reason="stopped")
    with pytest.raises(AssertionError, match="a message that a person waits for is gone"):
        laws.nobody_waits_for_a_message_that_was_taken_back()


def test_a_message_that_waits_for_nobody_breaks_the_law(told):
    FormTelling.objects.update(stopped_at=clock.now())
    with pytest.raises(AssertionError, match="a message of nobody waits"):
        laws.nobody_waits_for_a_message_that_was_taken_back()


@pytest.mark.parametrize("wrong", [{"category": "survey"}, {"not_after": "2026-12-01T00:00:00Z"}, {"on_behalf_of": []}])
def test_a_message_that_is_not_as_those_want_it_breaks_the_law(told, wrong):
    laws.what_waits_is_as_those_want_it_who_tell_by_it()
    Delivery.objects.update(**wrong)
    with pytest.raises(AssertionError):
        laws.what_waits_is_as_those_want_it_who_tell_by_it()


@pytest.mark.parametrize("scope", ["rule", "clinic"])
def test_a_message_that_leaves_while_it_is_paused_breaks_the_law(told, scope):
    delivery = Delivery.objects.get()
    target = Step.objects.get(pk=told[0]).rule_id if scope == "rule" else None
    Pause.objects.create(clinic=delivery.clinic, scope=scope, target_id=target, why="test")
    laws.nothing_leaves_while_it_is_paused()
    begun = clock.now() + timedelta(seconds=1)
    DeliveryAttempt.objects.create(clinic=delivery.clinic, delivery=delivery, number=1, started_at=begun)
    with pytest.raises(AssertionError):
        laws.nothing_leaves_while_it_is_paused()


def test_two_surveys_on_one_day_to_two_parents_break_the_law_and_one_does_not(patient):
    two_parents(patient)
    patient.clinic.cap_survey_day = 1
    patient.clinic.save()
    make_template(patient.clinic, "satisfaction", "survey")
    ACTION.perform([require_step(patient, "satisfaction")])
    Delivery.objects.update(state="sent", finished_at=clock.now())
    laws.no_cap_is_exceeded()
    Delivery.objects.filter(pk=Delivery.objects.latest("pk").pk).update(
        source_step=require_step(patient, "satisfaction").id
    )
    with pytest.raises(AssertionError):
        laws.no_cap_is_exceeded()
