"""The action require_form and what the patient agreed to: surveys are asked of who wants them, other forms of all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automations.engine.declare import catalog
from clinic import clock
from forms_app.models import FormRequest
from forms_app.tests.builders import make_template, require_step
from messaging.delivery import drain_due
from messaging.models import Delivery
from patients.services import set_consents
from worklist.models import Task

pytestmark = pytest.mark.django_db
ACTION = catalog.actions["require_form"]


@pytest.fixture(autouse=True)
def templates(patient):
    make_template(patient.clinic, "privacy")
    make_template(patient.clinic, "satisfaction", "survey")


def say_no(patient, category):
    set_consents(patient, [{"category": category, "channel": "email", "granted": False}])


def guarded(step):
    return [(refusal.code, refusal.retry_at) for refusal in ACTION.guard([step]).values()]


def test_a_survey_that_is_not_wanted_is_not_asked_for(patient):
    assert guarded(require_step(patient, "satisfaction")) == []
    say_no(patient, "survey")
    assert guarded(require_step(patient, "satisfaction")) == [("no_consent", None)]
    assert (Task.objects.count(), FormRequest.objects.count()) == (0, 0)


def test_without_a_message_there_is_nothing_to_agree_to(patient):
    say_no(patient, "survey")
    assert guarded(require_step(patient, "satisfaction", notify=False)) == []


def test_a_survey_too_many_waits_for_the_next_day(clinic, patient):
    clinic.cap_survey_day = 1
    clinic.save()
    ACTION.perform([require_step(patient, "satisfaction")])
    step = require_step(patient, "satisfaction")
    [(code, later)] = guarded(step)
    assert code == "capped"
    assert timedelta(hours=20) < later - clock.now() < timedelta(hours=28)
    assert guarded(require_step(patient, "privacy")) == []


def test_another_form_is_asked_for_all_the_same_and_its_message_becomes_a_task(patient):
    say_no(patient, "transactional")
    step = require_step(patient, "privacy")
    assert guarded(step) == []
    ACTION.perform([step])
    drain_due()
    assert (Delivery.objects.get().state, Delivery.objects.get().reason) == ("suppressed", "no_consent")
    assert FormRequest.objects.get().status == "required"
    assert [task.role for task in Task.objects.all()] == ["front_desk"]
