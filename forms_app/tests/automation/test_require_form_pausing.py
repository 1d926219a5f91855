"""The action require_form: whose pause holds a message that several share."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Pause
from automations.models import Rule
from clinic import clock
from forms_app import reminding, services
from forms_app.models import FormRequest
from forms_app.tests.automation.sharing import ACTION, run
from forms_app.tests.builders import fill, require_step
from messaging import leases, selectors
from messaging import services as messages
from messaging.models import Delivery
from messaging.shelf import Shelf

pytestmark = pytest.mark.django_db


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


def test_a_pause_of_a_patient_whose_number_is_a_rules_holds_nothing_of_the_rule(patient, consent):
    for rule in ("first", "second"):
        run(require_step(patient, "privacy", rule=rule))
        target = Rule.objects.get(slug=rule).pk + (1000 if Rule.objects.get(slug=rule).pk == patient.pk else 0)
        Pause.objects.create(clinic=patient.clinic, scope="patient", target_id=target, why="somebody else")
    assert not held()


def test_one_rule_alone_holds_its_own_and_no_other_clinics_pause_does(patient, consent, other_clinic):
    run(require_step(patient, "privacy", rule="first"))
    rule = Rule.objects.get(slug="first")
    Pause.objects.create(clinic=other_clinic, scope="rule", target_id=rule.pk, why="test")
    assert not held()
    pause(patient, "first")
    assert held()


def test_one_that_is_tried_again_by_hand_is_what_it_is_by_now(patient, consent, survey):
    run(require_step(patient, "privacy", rule="first"))
    run(require_step(patient, "satisfaction", rule="second"))
    Delivery.objects.update(state="failed")
    fill(FormRequest.objects.get(template=consent))
    messages.retry_failed(Delivery.objects.get())
    assert Delivery.objects.get().category == "survey"
    pause(patient, "second")
    assert held()
