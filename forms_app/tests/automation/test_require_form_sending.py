"""The action require_form: who joins or leaves a message while its sender has it in hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from clinic import clock
from forms_app import reminding, services
from forms_app.models import FormRequest
from forms_app.tests.automation.sharing import ended, refuse_surveys, run
from forms_app.tests.builders import fill, require_step
from messaging import delivery as sending
from messaging import leases
from messaging.models import Delivery
from messaging.shelf import Shelf
from patients.consents import set_consents

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


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


def test_what_must_not_leave_for_another_reason_by_now_ends_with_that_one(patient, survey, meanwhile):
    run(require_step(patient, "satisfaction"))
    refuse_surveys(patient)

    def agree_and_leave() -> None:
        set_consents(patient, [{"category": "survey", "channel": "email", "granted": True}])
        type(patient).objects.filter(pk=patient.pk).update(email="")

    meanwhile(agree_and_leave)
    sending.drain_due()
    assert ended() == ("survey", "queued", "")
    clock.advance_by(timedelta(seconds=10))
    sending.drain_due()
    assert ended() == ("survey", "suppressed", "no_address")


def test_what_was_read_before_somebody_joined_is_not_ended_as_too_late(patient, consent):
    run(replace(require_step(patient, "privacy"), not_after=clock.now() + HOUR))
    [taken] = leases.claim(10)
    shelf = Shelf([taken])
    shelf._row(taken)
    clock.advance_by(2 * HOUR)
    run(require_step(patient, "privacy"))
    sending._deliver(taken, sending.Mailer(), shelf)
    assert ended() == ("transactional", "sent", "")


def begun(patient: Any, category: str) -> leases.Held:
    """A message of this category is being handed over."""
    [taken] = leases.claim(10)
    content = sending.Content("Hello", "Hello", "<p>Hello</p>", "en")
    row = leases.mine(taken).get()
    assert (row.category, sending._begin(taken, row, "maria@patients.example", content)) == (category, True)
    return taken


def test_what_is_being_handed_over_stays_what_it_was_and_is_another_before_the_next_attempt(patient, consent, survey):
    run(require_step(patient, "privacy"))
    run(require_step(patient, "satisfaction"))
    taken = begun(patient, "transactional")
    reminding.send_again(FormRequest.objects.get(template=survey))
    fill(FormRequest.objects.get(template=consent))
    delivery = Delivery.objects.get()
    assert (delivery.category, delivery.on_behalf_of) == ("transactional", [])
    refuse_surveys(patient)
    sending._settle(taken, sending.Outcome(sending.Result.TEMPORARY, "450 later"))
    assert Delivery.objects.get().state == "retry"
    clock.advance_by(timedelta(days=1))
    sending.drain_due()
    assert ended() == ("survey", "suppressed", "no_consent")


def test_a_message_that_has_left_as_a_survey_is_one_whatever_joined_it_meanwhile(patient, consent, survey):
    run(require_step(patient, "satisfaction"))
    taken = begun(patient, "survey")
    run(require_step(patient, "privacy"))
    sending._settle(taken, sending.Outcome(sending.Result.SENT, "250 ok"))
    assert ended() == ("survey", "sent", "")


def test_one_that_became_another_while_it_was_being_judged_is_judged_again(patient, consent, survey, monkeypatch):
    run(require_step(patient, "satisfaction"))
    real = sending._judge

    def later(delivery: Delivery) -> Any:
        judged = real(delivery)
        monkeypatch.setattr(sending, "_judge", real)
        run(require_step(patient, "privacy"))
        return judged

    monkeypatch.setattr(sending, "_judge", later)
    sending.drain_due()
    assert ended() == ("transactional", "queued", "")
