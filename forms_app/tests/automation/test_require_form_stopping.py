"""The action require_form: what becomes of the message when those who tell by it stop or move."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from automations.engine.values import StepContext
from clinic import clock
from forms_app import reminding, services
from forms_app.message import write
from forms_app.models import FormRequest
from forms_app.tests.automation.sharing import ACTION, run, states, tellers, two_parents
from forms_app.tests.builders import ask, require_step
from messaging.models import Delivery
from messaging.purposes import Suppress
from messaging.recipients import reader_of
from messaging.text import Content

pytestmark = pytest.mark.django_db


def test_a_stopped_step_takes_its_message_back_and_leaves_the_request(patient, consent):
    step = require_step(patient, "privacy")
    run(step)
    ACTION.withdraw([step.id])
    assert (Delivery.objects.get().state, FormRequest.objects.get().status) == ("withdrawn", "required")


def test_a_message_that_another_open_request_shares_is_not_taken_back(patient, consent, questionnaire):
    stopped, other = require_step(patient, "pain"), require_step(patient, "privacy")
    run(stopped, other)
    ACTION.withdraw([stopped.id])
    assert Delivery.objects.get().state == "queued"
    ACTION.withdraw([stopped.id, other.id])
    assert Delivery.objects.get().state == "withdrawn"


def test_a_message_shared_only_by_what_is_settled_is_taken_back(patient, consent, questionnaire):
    stopped, other = require_step(patient, "pain"), require_step(patient, "privacy")
    run(stopped, other)
    services.void(FormRequest.objects.get(template=consent))
    ACTION.withdraw([stopped.id])
    assert Delivery.objects.get().state == "withdrawn"


def test_a_message_of_two_goes_when_both_have_stopped_one_after_the_other(patient, consent, questionnaire):
    first, second = require_step(patient, "pain"), require_step(patient, "privacy")
    run(first, second)
    ACTION.withdraw([first.id])
    assert (Delivery.objects.get().state, ACTION.unsent([first.id, second.id])) == ("queued", {second.id})
    ACTION.withdraw([second.id])
    assert Delivery.objects.get().state == "withdrawn"


def test_a_persons_message_to_one_patient_keeps_no_message_to_another(patient, consent, questionnaire, clinic):
    ana = type(patient).objects.create(clinic=clinic, given_name="Ana", email="ana@patients.example")
    theirs = [reminding.send_again(ask(one, questionnaire)) for one in (patient, ana)]
    steps = [require_step(one, "privacy") for one in (patient, ana)]
    run(*steps)
    services.void(FormRequest.objects.get(patient=ana, template=questionnaire))
    ACTION.withdraw([step.id for step in steps])
    states = [Delivery.objects.get(pk=one.pk).state for one in theirs]
    assert (states, Delivery.objects.count()) == (["queued", "withdrawn"], 2)


def test_a_message_about_what_somebody_else_asked_for_in_silence_is_taken_back(patient, consent):
    asked = services.request_form(clinic=patient.clinic, patient=patient, template=consent).request
    step = require_step(patient, "privacy")
    [result] = run(step)
    assert (result["outcome"], result["form_request"]) == ("reused", str(asked.pk))
    assert set(ACTION.unsent([step.id])) == {step.id}
    ACTION.withdraw([step.id])
    asked.refresh_from_db()
    assert (Delivery.objects.get().state, asked.status) == ("withdrawn", "required")


def test_a_message_about_what_a_stopped_step_asked_for_in_silence_stays(patient, consent):
    silent, telling = require_step(patient, "privacy", notify=False), require_step(patient, "privacy")
    run(silent)
    run(telling)
    ACTION.withdraw([silent.id])
    assert Delivery.objects.get().state == "queued"


def test_a_message_that_left_stays_sent(patient, consent):
    step = require_step(patient, "privacy")
    run(step)
    Delivery.objects.update(state="sent")
    ACTION.withdraw([step.id])
    assert Delivery.objects.get().state == "sent"


# --- several who tell of one form ---


def two_steps(patient: Any, form: str = "privacy") -> tuple[StepContext, StepContext]:
    """Steps of two rules, of use for a day and for three."""
    first, second = require_step(patient, form), require_step(patient, "privacy")
    first = replace(first, not_after=first.now + timedelta(days=1))
    return first, replace(second, not_after=second.now + timedelta(days=3))


@pytest.mark.parametrize("form", ["privacy", "pain"])
def test_what_two_rules_tell_each_parent_goes_when_both_have_stopped(patient, consent, questionnaire, form):
    two_parents(patient)
    first, second = two_steps(patient, form)
    [one], [two] = run(first), run(second)
    assert one["deliveries"] == two["deliveries"]
    assert ACTION.unsent([first.id, second.id]) == {first.id, second.id}
    ACTION.withdraw([first.id])
    assert (states(), ACTION.unsent([first.id, second.id])) == (["queued", "queued"], {second.id})
    assert set(Delivery.objects.values_list("source_step_id", flat=True)) == {first.id}
    ACTION.withdraw([second.id])
    assert (states(), tellers()) == (["withdrawn", "withdrawn"], set())


def test_what_has_reached_one_parent_still_reaches_the_other_for_the_rule_that_stands(patient, consent):
    two_parents(patient)
    first, second = two_steps(patient)
    run(first)
    run(second)
    Delivery.objects.filter(pk=Delivery.objects.earliest("pk").pk).update(state="sent")
    ACTION.withdraw([first.id])
    assert states() == ["sent", "queued"]
    ACTION.withdraw([second.id])
    assert states() == ["sent", "withdrawn"]


def test_a_rule_joins_the_other_parents_message_after_the_first_was_sent(patient, consent):
    two_parents(patient)
    first, second = two_steps(patient)
    run(first)
    Delivery.objects.filter(pk=Delivery.objects.earliest("pk").pk).update(state="sent")
    [result] = run(second)
    assert result["deliveries"] == [str(Delivery.objects.latest("pk").pk)]
    ACTION.withdraw([first.id])
    assert states() == ["sent", "queued"]


@pytest.mark.parametrize("state", ["queued", "retry", "sending"])
def test_one_message_of_two_rules_ends_with_the_later_of_them_and_with_who_stands(patient, consent, state):
    first, second = two_steps(patient)
    run(second)
    Delivery.objects.update(state=state)
    run(first)
    assert Delivery.objects.get().not_after == second.not_after
    ACTION.withdraw([second.id])
    assert Delivery.objects.get().not_after == first.not_after


def test_a_message_that_stands_for_a_survey_alone_again_is_a_survey(patient, consent, survey):
    asked, told = require_step(patient, "satisfaction"), require_step(patient, "privacy")
    run(asked)
    run(told)
    assert Delivery.objects.get().category == "transactional"
    ACTION.withdraw([told.id])
    assert (Delivery.objects.get().category, states()) == ("survey", ["queued"])


def test_a_rule_that_stopped_moves_no_message_and_its_heir_does(patient, consent):
    first, second = two_steps(patient)
    run(first)
    run(second)
    ACTION.withdraw([first.id])
    soon, later = first.now + timedelta(hours=1), first.now + timedelta(days=2)
    ACTION.limit({first.id: (first.now, soon)})
    assert Delivery.objects.get().not_after == second.not_after
    ACTION.limit({second.id: (second.now, later)})
    assert Delivery.objects.get().not_after == later


def test_of_two_rules_that_move_their_message_the_later_end_counts(patient, consent):
    first, second = two_steps(patient)
    run(first)
    run(second)
    soon, later = first.now + timedelta(hours=1), first.now + timedelta(hours=2)
    ACTION.limit({first.id: (first.now, soon), second.id: (second.now, later)})
    assert Delivery.objects.get().not_after == later
    ACTION.limit({second.id: (second.now, None)})
    assert Delivery.objects.get().not_after is None


def test_who_tells_of_another_form_does_not_keep_a_message_once_that_form_is_filled(patient, consent, questionnaire):
    first, second, third = (require_step(patient, form) for form in ("privacy", "pain", "privacy"))
    run(first)
    run(second)
    run(third)
    ACTION.withdraw([first.id])
    services.void(FormRequest.objects.get(template=questionnaire))
    ACTION.withdraw([third.id])
    assert states() == ["withdrawn"]


def test_a_message_about_a_form_that_nobody_tells_of_any_more_does_not_leave(patient, consent, questionnaire):
    first, second = require_step(patient, "privacy"), require_step(patient, "pain")
    run(first)
    run(second)
    ACTION.withdraw([first.id])
    delivery = Delivery.objects.get()
    reader = reader_of(delivery)
    assert isinstance(write(delivery, reader), Content)
    services.void(FormRequest.objects.get(template=questionnaire))
    assert write(delivery, reader) == Suppress("nothing_to_say")


def test_what_a_person_has_sent_stays_whoever_tells_by_it_and_stops(patient, consent):
    step = require_step(patient, "privacy")
    sent = reminding.send_again(ask(patient, consent))
    run(step)
    assert (tellers(), Delivery.objects.get()) == ({None, step.id}, sent)
    ACTION.withdraw([step.id])
    assert (states(), tellers()) == (["queued"], {None})


def test_a_reminder_that_joins_what_waits_keeps_it_for_every_reader(patient, consent):
    two_parents(patient)
    step = require_step(patient, "privacy")
    run(step)
    reminding.send_again(FormRequest.objects.get())
    ACTION.withdraw([step.id])
    assert (states(), tellers()) == (["queued", "queued"], {None})


def test_what_was_told_already_needs_nobody_more(patient, consent):
    first, second = two_steps(patient)
    run(first)
    Delivery.objects.update(state="sent")
    assert "deliveries" not in run(second)[0]
    assert tellers() == {first.id}


def test_what_is_called_off_while_it_is_sent_tells_nobody(patient, consent):
    first, second = two_steps(patient)
    run(first)
    Delivery.objects.update(state="sending")
    ACTION.withdraw([first.id])
    clock.advance_by(timedelta(minutes=5))
    run(second)
    assert (states(), tellers()) == (["sending", "queued"], {second.id})
