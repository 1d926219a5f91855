"""The action require_form: a message that several share is as those want it who tell by it, at every moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.models import Pause
from automations.models import Step
from clinic import clock
from forms_app import lifecycle, opening, reminding, services
from forms_app.models import FormRequest, FormTelling
from forms_app.tests.automation.sharing import (
    ACTION,
    ended,
    left,
    link_of,
    refuse_surveys,
    run,
    states,
    tellers,
    two_parents,
)
from forms_app.tests.builders import ask, fill, require_step
from messaging import delivery as sending
from messaging import selectors
from messaging import services as messages
from messaging.models import Delivery

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


# --- what it is ---


def test_what_tells_of_a_survey_alone_by_now_is_a_survey_and_does_not_leave_against_a_no(patient, consent, survey):
    run(require_step(patient, "privacy"))
    run(require_step(patient, "satisfaction"))
    assert Delivery.objects.get().category == "transactional"
    fill(FormRequest.objects.get(template=consent))
    refuse_surveys(patient)
    sending.drain_due()
    assert ended() == ("survey", "suppressed", "no_consent")


@pytest.mark.parametrize("settle", [services.void, services.decline, services.expire])
def test_a_survey_that_joins_what_has_nothing_to_say_any_more_makes_it_a_survey(patient, consent, survey, settle):
    run(require_step(patient, "privacy"))
    settle(FormRequest.objects.get())
    asked = replace(require_step(patient, "satisfaction"), not_after=clock.now() + HOUR)
    run(asked)
    delivery = Delivery.objects.get()
    assert (delivery.category, delivery.not_after) == ("survey", asked.not_after)


def test_it_ends_with_those_whose_forms_are_open_still(patient, consent, questionnaire):
    endless, brief = require_step(patient, "privacy"), require_step(patient, "pain")
    brief = replace(brief, not_after=clock.now() + HOUR)
    run(endless)
    run(brief)
    assert Delivery.objects.get().not_after is None
    fill(FormRequest.objects.get(template=consent))
    assert Delivery.objects.get().not_after == brief.not_after


def test_it_may_leave_as_soon_as_the_first_of_two_that_move_wants_it(patient, consent):
    far = clock.now() + 9 * HOUR
    first, second = (replace(require_step(patient, "privacy"), not_before=far) for _ in range(2))
    run(first)
    run(second)
    soon, later = clock.now() + HOUR, clock.now() + 2 * HOUR
    ACTION.limit({second.id: (later, None), first.id: (soon, None)})
    assert Delivery.objects.get().not_before == soon


def test_who_joins_may_have_it_leave_sooner(patient, consent, questionnaire):
    run(replace(require_step(patient, "privacy"), not_before=clock.now() + 9 * HOUR))
    soon = clock.now() + HOUR
    for form in ("privacy", "pain"):
        run(replace(require_step(patient, form), not_before=soon))
        assert Delivery.objects.get().not_before == soon
    run(replace(require_step(patient, "privacy"), not_before=clock.now() + 2 * HOUR))
    assert Delivery.objects.get().not_before == soon


def test_what_rests_between_two_attempts_goes_on_resting_whoever_joins(patient, consent):
    run(require_step(patient, "privacy"))
    rest = clock.now() + HOUR
    Delivery.objects.update(state="retry", not_before=rest)
    run(require_step(patient, "privacy"))
    assert Delivery.objects.get().not_before == rest


def test_a_rule_whose_form_is_filled_moves_nothing_of_others(patient, consent, questionnaire):
    far = clock.now() + 9 * HOUR
    filled, other = (replace(require_step(patient, form), not_before=far) for form in ("privacy", "pain"))
    run(filled)
    run(other)
    fill(FormRequest.objects.get(template=consent))
    ACTION.limit({filled.id: (clock.now(), clock.now() + HOUR)})
    delivery = Delivery.objects.get()
    assert (delivery.not_before, delivery.not_after) == (far, None)


def test_the_end_of_what_is_being_sent_moves_too(patient, consent):
    step = replace(require_step(patient, "privacy"), not_after=clock.now() + 72 * HOUR)
    run(step)
    left(Delivery.objects.get(), "sending")
    soon = clock.now() + HOUR
    ACTION.limit({step.id: (clock.now(), soon)})
    assert Delivery.objects.get().not_after == soon


def test_a_link_that_the_patient_asked_for_stays_what_it_is_when_a_survey_that_joined_it_stops(patient, survey):
    ask(patient, survey)
    refuse_surveys(patient)
    assert opening.send_again(link_of(patient)) is not None
    step = require_step(patient, "satisfaction")
    run(step)
    assert tellers() == {None, step.id}
    ACTION.withdraw([step.id])
    sending.drain_due()
    assert ended() == ("transactional", "sent", "")


@pytest.mark.parametrize("minutes", [1, 40])
def test_who_asks_for_a_link_gets_what_waits_at_once_and_no_second_one(patient, consent, questionnaire, minutes):
    far = clock.now() + 9 * HOUR
    run(replace(require_step(patient, "privacy"), not_before=far))
    asked = ask(patient, questionnaire)
    clock.advance_by(timedelta(minutes=minutes))
    sent = opening.send_again(link_of(patient))
    asked.refresh_from_db()
    assert (sent, asked.message, tellers() >= {None}) == (Delivery.objects.get(), sent, True)
    sending.drain_due()
    assert ended() == ("transactional", "sent", "")
    assert opening.send_again(link_of(patient)) is None


def test_who_asks_for_a_link_gets_it_though_a_rules_pause_holds_what_is_due(patient, consent):
    run(require_step(patient, "privacy"))
    target = Step.objects.get().rule_id
    Pause.objects.create(clinic=patient.clinic, scope="rule", target_id=target, why="test")
    sending.drain_due()
    assert states() == ["queued"]
    assert opening.send_again(link_of(patient)) is not None
    assert opening.send_again(link_of(patient)) is None
    sending.drain_due()
    assert ended() == ("transactional", "sent", "")


@pytest.mark.parametrize("state", ["withdrawn", "suppressed", "failed"])
def test_what_has_just_ended_without_leaving_keeps_nobody_from_a_link(patient, consent, state):
    run(require_step(patient, "privacy"))
    clock.advance_by(timedelta(minutes=20))
    Delivery.objects.update(state=state, finished_at=clock.now())
    assert opening.send_again(link_of(patient)) is not None


@pytest.mark.parametrize("state", ["sending", "retry"])
def test_what_is_being_sent_or_tried_again_is_not_sent_twice(patient, consent, state):
    run(require_step(patient, "privacy"))
    clock.advance_by(timedelta(minutes=20))
    Delivery.objects.update(state=state, not_before=clock.now() + HOUR)
    for _press in range(2):
        opening.send_again(link_of(patient))
    assert states() == [state]


def test_a_reminder_tells_of_all_that_is_open_and_leaves_for_the_rest_of_it(patient, consent, questionnaire):
    remembered, _other = ask(patient, consent), ask(patient, questionnaire)
    reminding.send_again(remembered)
    reminding.send_again(FormRequest.objects.get(pk=remembered.pk))
    assert FormTelling.objects.count() == 2
    fill(FormRequest.objects.get(pk=remembered.pk))
    sending.drain_due()
    assert ended() == ("transactional", "sent", "")


@pytest.mark.parametrize("take_back", ["about", "patient", "cancelled"])
def test_whatever_takes_a_request_back_the_message_is_of_those_left(patient, consent, survey, take_back):
    step = require_step(patient, "privacy")
    run(step)
    run(require_step(patient, "satisfaction", about=("appointment", 5)))
    asked = FormRequest.objects.get(template=survey)
    assert (asked.about_type, Delivery.objects.get().category) == ("appointment", "transactional")
    FormRequest.objects.filter(template=consent).update(about_type="appointment", about_id=6)
    if take_back == "about":
        services.void_about("appointment", [6], reason="cancelled")
    elif take_back == "cancelled":
        lifecycle.cancel_open([lifecycle.Unwanted(patient.pk, "privacy", "", None, step.id)], reason="x")
    else:
        services.void_of_patients([patient.pk], reason="left")
    wanted = "transactional" if take_back == "patient" else "survey"  # nobody is left: it is not worth a thought
    assert Delivery.objects.get().category == wanted


# --- who was told ---


@pytest.mark.parametrize(("before", "after"), [("sending", "sent"), ("retry", "unknown")])
def test_what_has_left_though_its_rule_was_stopped_has_told(patient, consent, before, after):
    first, second = require_step(patient, "privacy"), require_step(patient, "privacy")
    run(first)
    Delivery.objects.update(state=before, maybe_left=True)
    ACTION.withdraw([first.id])
    left(Delivery.objects.get(), after)
    [result] = run(second)
    assert ("deliveries" in result, states()) == (False, [after])


def test_a_parent_whose_message_was_taken_back_is_told_by_the_next_rule_and_the_other_is_not_told_again(
    patient, consent
):
    elena, ion = two_parents(patient)
    first, second = require_step(patient, "privacy"), require_step(patient, "privacy")
    run(first)
    left(Delivery.objects.get(contact=ion))
    ACTION.withdraw([first.id])
    clock.advance_by(timedelta(minutes=5))
    [result] = run(second)
    newest = Delivery.objects.latest("pk")
    assert (newest.contact, result["deliveries"]) == (elena, [str(newest.pk)])
    assert states() == ["withdrawn", "sent", "queued"]


def test_a_link_that_one_parent_asked_for_does_not_tell_the_other(patient, consent):
    elena, ion = two_parents(patient)
    ask(patient, consent)
    sent = opening.send_again(link_of(patient, elena))
    assert sent is not None
    clock.advance_by(timedelta(minutes=5))
    left(sent)
    run(require_step(patient, "privacy"))
    assert list(Delivery.objects.order_by("pk").values_list("contact", "state")) == [
        (elena.pk, "sent"),
        (ion.pk, "queued"),
    ]


def test_what_one_step_sends_to_two_parents_is_one_message_whoever_stops(patient, consent):
    two_parents(patient)
    first, second = require_step(patient, "privacy"), require_step(patient, "privacy")
    run(first)
    run(second)
    yesterday = clock.now() - timedelta(days=1)
    Delivery.objects.filter(pk=Delivery.objects.earliest("pk").pk).update(state="sent", finished_at=clock.now())
    assert len(selectors.messages_to([patient.pk], since=yesterday)[patient.pk]) == 1
    ACTION.withdraw([first.id])
    assert len(selectors.messages_to([patient.pk], since=yesterday)[patient.pk]) == 1


def test_what_staff_took_back_while_it_was_being_sent_has_told_nobody(patient, consent):
    step = require_step(patient, "privacy")
    run(step)
    left(Delivery.objects.get(), "sending")
    messages.withdraw_deliveries([Delivery.objects.get().pk])
    assert ACTION.unsent([step.id]) == set()
    clock.advance_by(timedelta(minutes=5))
    [result] = run(require_step(patient, "privacy"))
    assert (len(result["deliveries"]), states()) == (1, ["sending", "queued"])


def test_a_form_joins_what_is_being_sent_however_long_ago_it_was_queued(patient, consent, questionnaire):
    run(require_step(patient, "privacy"))
    left(Delivery.objects.get(), "sending")
    clock.advance_by(timedelta(minutes=5))
    run(require_step(patient, "pain"))
    assert (states(), FormTelling.objects.count()) == (["sending"], 2)


def test_a_rule_joins_what_waits_also_while_the_patient_has_no_address(patient, consent):
    first, second = require_step(patient, "privacy"), require_step(patient, "privacy")
    run(first)
    address, patient.email = patient.email, ""
    patient.save()
    run(second)
    patient.email = address
    patient.save()
    ACTION.withdraw([first.id])
    assert (states(), tellers()) == (["queued"], {second.id})
