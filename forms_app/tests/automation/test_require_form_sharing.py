"""The action require_form: a message that several share is as those want it who tell by it, at every moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Pause
from automations.models import Rule
from clinic import clock
from forms_app import opening, reminding, services
from forms_app.models import FormRequest, FormTelling, SigningLink
from forms_app.tests.automation.sharing import ACTION, left, run, states, tellers, two_parents
from forms_app.tests.builders import ask, fill, require_step
from messaging import delivery as sending
from messaging import leases, selectors
from messaging.models import Delivery
from messaging.shelf import Shelf
from patients.consents import set_consents

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def refuse_surveys(patient: Any) -> None:
    set_consents(patient, [{"category": "survey", "channel": "email", "granted": False}])


def ended() -> tuple[str, str, str]:
    delivery = Delivery.objects.get()
    return delivery.category, delivery.state, delivery.reason


def link_of(patient: Any, contact: Any = None) -> SigningLink:
    """A used link, whose reader may ask for another."""
    mark = opening.address_mark(patient, contact)
    return SigningLink(clinic=patient.clinic, patient=patient, contact=contact, address_mark=mark)


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
    first, second = require_step(patient, "privacy"), require_step(patient, "privacy")
    run(replace(first, not_before=clock.now() + 9 * HOUR))
    run(second)
    soon, later = clock.now() + HOUR, clock.now() + 2 * HOUR
    ACTION.limit({second.id: (later, None), first.id: (soon, None)})
    assert Delivery.objects.get().not_before == soon


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


def test_a_reminder_tells_of_all_that_is_open_and_leaves_for_the_rest_of_it(patient, consent, questionnaire):
    remembered, _other = ask(patient, consent), ask(patient, questionnaire)
    reminding.send_again(remembered)
    reminding.send_again(FormRequest.objects.get(pk=remembered.pk))
    assert FormTelling.objects.count() == 2
    fill(FormRequest.objects.get(pk=remembered.pk))
    sending.drain_due()
    assert ended() == ("transactional", "sent", "")


# --- whose pause holds it ---


def pause(patient: Any, rule: str) -> Pause:
    target = Rule.objects.get(slug=rule).pk
    return Pause.objects.create(clinic=patient.clinic, scope="rule", target_id=target, why="test")


def held() -> bool:
    """Ask all who look for pauses, which must agree."""
    waits = selectors.next_due() is None
    claimed = leases.claim(10)
    Delivery.objects.update(state="sending", attempts=1)
    [row] = Delivery.objects.all()
    _row, paused = Shelf([]).take(leases.Held(row.pk, row.attempts))
    Delivery.objects.update(state="queued", attempts=0)
    assert waits == paused == (not claimed)
    return paused


def test_of_two_rules_that_share_it_only_the_pause_of_both_holds_it(patient, consent):
    run(require_step(patient, "privacy", rule="first"))
    run(require_step(patient, "privacy", rule="second"))
    begun = pause(patient, "first")
    assert not held()
    pause(patient, "second")
    assert held()
    begun.ended_at = clock.now()
    begun.save()
    assert not held()


def test_the_pause_of_the_only_rule_whose_form_is_open_still_holds_it(patient, consent, questionnaire):
    run(require_step(patient, "privacy", rule="first"))
    run(require_step(patient, "pain", rule="second"))
    services.void(FormRequest.objects.get(template=consent))
    pause(patient, "second")
    assert held()


def test_the_pause_of_a_rule_that_stopped_holds_nothing_of_others(patient, consent):
    first = require_step(patient, "privacy", rule="first")
    run(first)
    run(require_step(patient, "privacy", rule="second"))
    ACTION.withdraw([first.id])
    pause(patient, "first")
    assert not held()


def test_no_pause_of_a_rule_holds_a_persons_reminder(patient, consent):
    run(require_step(patient, "privacy", rule="first"))
    reminding.send_again(FormRequest.objects.get())
    pause(patient, "first")
    assert not held()
    Pause.objects.create(clinic=patient.clinic, scope="patient", target_id=patient.pk, why="test")
    assert held()


def test_one_rule_alone_holds_its_own_and_no_other_clinics_pause_does(patient, consent, other_clinic):
    run(require_step(patient, "privacy", rule="first"))
    rule = Rule.objects.get(slug="first")
    Pause.objects.create(clinic=other_clinic, scope="rule", target_id=rule.pk, why="test")
    assert not held()
    pause(patient, "first")
    assert held()


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


# --- while its sender has it in hand ---


@pytest.fixture
def meanwhile(monkeypatch) -> Callable[[Callable[[], Any]], None]:
    """Let something happen after the sender has judged and before it writes that the message must not leave."""

    def arrange(what: Callable[[], Any]) -> None:
        real, happened = sending._conclude, []

        def later(*arguments: Any, **settings: Any) -> None:
            if not happened:
                happened.append(what())
            real(*arguments, **settings)

        monkeypatch.setattr(sending, "_conclude", later)

    return arrange


def test_a_consent_that_joins_a_survey_just_being_suppressed_is_told_of(patient, consent, survey, meanwhile):
    run(require_step(patient, "satisfaction"))
    refuse_surveys(patient)
    meanwhile(lambda: run(require_step(patient, "privacy")))
    sending.drain_due()
    assert ended() == ("transactional", "queued", "")
    clock.advance_by(timedelta(seconds=10))
    sending.drain_due()
    assert ended() == ("transactional", "sent", "")


def test_a_form_that_joins_what_has_just_nothing_to_say_is_told_of(patient, consent, questionnaire, meanwhile):
    run(require_step(patient, "privacy"))
    services.void(FormRequest.objects.get())
    meanwhile(lambda: run(require_step(patient, "pain")))
    sending.drain_due()
    clock.advance_by(timedelta(seconds=10))
    sending.drain_due()
    assert ended() == ("transactional", "sent", "")


def test_what_was_read_before_somebody_joined_is_not_ended_as_too_late(patient, consent):
    run(replace(require_step(patient, "privacy"), not_after=clock.now() + HOUR))
    [taken] = leases.claim(10)
    shelf = Shelf([taken])
    shelf._row(taken)
    clock.advance_by(2 * HOUR)
    run(require_step(patient, "privacy"))
    sending._deliver(taken, sending.Mailer(), shelf)
    assert ended() == ("transactional", "queued", "")
