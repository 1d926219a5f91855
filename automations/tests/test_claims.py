"""Who works on what: leases that run out, second attempts, patients whose records somebody is changing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from automations import claims, executor, ticking
from automations.matcher import match_batch
from automations.models import Step
from automations.tests.builders import Busy, move, published, states, titles, visit
from clinic import clock

pytestmark = pytest.mark.django_db(transaction=True)

LATER = {"type": "jot", "title": "Later", "timing": {"mode": "delay", "amount": 1, "unit": "hours"}}


@pytest.fixture
def due(clinic: Any, patient: Any) -> list[Step]:
    """Three due steps of one patient."""
    published(clinic, "appointment.completed", LATER)
    for _ in range(3):
        move(visit(patient), status="completed")
    ticking.drain_all()
    clock.advance_by(timedelta(hours=1))
    return list(Step.objects.order_by("pk"))


def test_what_one_worker_holds_no_other_gets_until_the_lease_ends(due):
    ids = [step.pk for step in due]
    assert claims.claim(claims.STEPS, 10) == dict.fromkeys(ids, 0)
    assert claims.claim(claims.STEPS, 10) == {}
    clock.advance_by(claims.LEASE - timedelta(seconds=2))
    assert claims.claim(claims.STEPS, 10) == {}
    clock.advance_by(timedelta(seconds=2))
    assert claims.claim(claims.STEPS, 10) == dict.fromkeys(ids, 1)


def test_a_claim_takes_the_earliest_and_no_more_than_asked(due):
    Step.objects.filter(pk=due[2].pk).update(due_at=clock.now() - timedelta(days=1))
    assert list(claims.claim(claims.STEPS, 1)) == [due[2].pk]
    assert set(claims.claim(claims.STEPS, 2)) == {due[0].pk, due[1].pk}


def test_first_attempts_run_together_and_later_ones_alone(due):
    Step.objects.filter(pk=due[0].pk).update(attempts=4)
    Step.objects.filter(pk=due[1].pk).update(attempts=1)
    claimed = claims.claim(claims.STEPS, 10)
    assert list(claims.batches("automations_step", claimed)) == [{due[2].pk: 1}, {due[1].pk: 2}, {due[0].pk: 5}]


def test_a_worker_whose_lease_ran_out_does_nothing_when_it_wakes(due):
    mine = claims.claim(claims.STEPS, 10)
    clock.advance_by(claims.LEASE)
    assert sum(executor.execute_batch() for _ in range(3)) == 3
    assert sum(executor._attempt(batch) for batch in claims.batches("automations_step", mine)) == 0
    assert titles() == ["Later"] * 3


def test_a_worker_whose_lease_ran_out_does_nothing_while_another_works(due):
    mine = dict.fromkeys(claims.claim(claims.STEPS, 10), 1)
    clock.advance_by(claims.LEASE)
    for batch in claims.batches("automations_step", claims.claim(claims.STEPS, 10)):
        assert len(batch) == 1
        assert executor._attempt(dict.fromkeys(batch, 1)) == 0  # the number of the first attempt
    assert executor._attempt(mine) == 0
    assert titles() == []


def test_a_busy_patient_is_passed_over_and_others_are_served(due, patient, stranger_patient):
    abroad = published(stranger_patient.clinic, "appointment.completed", LATER)
    move(visit(stranger_patient), status="completed")
    match_batch()
    Step.objects.filter(patient=stranger_patient).update(due_at=clock.now())
    with Busy(patient):
        assert executor.execute_batch() == 1
        assert states(abroad) == [("a1", "done", "")]
    assert set(Step.objects.filter(patient=patient).values_list("attempts", "lease_until")) == {(0, None)}
    assert executor.execute_batch() == 3


def test_a_patient_who_becomes_busy_after_the_claim_is_given_back_without_blame(due, patient):
    [batch] = claims.batches("automations_step", claims.claim(claims.STEPS, 10))
    with Busy(patient):
        assert executor._attempt(batch) == 0
    assert set(Step.objects.values_list("state", "attempts", "lease_until")) == {("pending", 0, None)}
    assert executor.execute_batch() == 3


def test_a_step_that_was_stopped_after_the_claim_is_left_alone(due, patient):
    [batch] = claims.batches("automations_step", claims.claim(claims.STEPS, 10))
    patient.status = "archived"
    patient.save()
    assert executor._attempt(batch) == 0
    assert set(Step.objects.values_list("state", "reason")) == {("cancelled", "stopped")}
    assert titles() == []


def test_waits_grow_from_a_second_to_ten_minutes_and_differ():
    for attempts, longest in ((1, 1), (2, 2), (5, 16), (10, 512), (11, 600), (50, 600)):
        waits = {claims.backoff(attempts) for _ in range(50)}
        assert longest / 2 <= min(waits) < max(waits) <= longest


@pytest.mark.parametrize(("code", "retriable"), [("40001", True), ("40P01", True), ("55P03", True), ("57014", False)])
def test_only_the_databases_own_wish_to_repeat_is_nobodys_failure(code, retriable):
    class Cause(Exception):
        sqlstate = code

    error = OperationalError("no")
    error.__cause__ = Cause()
    assert claims.is_retriable(error) is retriable
    assert claims.is_retriable(OperationalError("no cause")) is False
    assert claims.is_retriable(ValueError()) is False
