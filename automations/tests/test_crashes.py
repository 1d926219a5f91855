"""Workers that die, and answers that are lost: what is tried again, and what must stay as it is."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError

from automations import claims, executor, matcher, outcomes, ticking
from automations.models import Event, Step
from automations.tests.builders import move, published, states, titles, visit
from clinic import clock

pytestmark = pytest.mark.django_db(transaction=True)

LATER = {"type": "jot", "title": "Call", "timing": {"mode": "delay", "amount": 1, "unit": "hours"}}


def planned(clinic, patient, count: int = 1) -> list[Step]:
    """Return steps that have just become due."""
    published(clinic, "appointment.completed", LATER)
    for _ in range(count):
        move(visit(patient), status="completed")
    ticking.drain_all()
    clock.advance_by(timedelta(hours=1))
    return list(Step.objects.order_by("pk"))


def crash(monkeypatch, victim: int) -> None:
    """Let whoever executes this step die: SystemExit passes every `except Exception`, as SIGKILL passes everything."""
    real = executor.load

    def load(claimed):
        if victim in claimed:
            raise SystemExit
        return real(claimed)

    monkeypatch.setattr(executor, "load", load)


def work_until_dead() -> None:
    """Work as workers do that are started again after each death, until nothing is left."""
    for _ in range(60):
        with suppress(SystemExit):
            if not executor.execute_batch() and ticking.next_engine_due() is None:
                return
        clock.advance_by(claims.LEASE)


def test_a_step_that_kills_its_worker_ends_failed_and_takes_nobody_along(clinic, patient, monkeypatch):
    poison, *innocent = planned(clinic, patient, 4)
    crash(monkeypatch, poison.pk)

    work_until_dead()

    poison.refresh_from_db()
    assert (poison.state, poison.attempts) == ("failed", 10)
    assert poison.reason_text == "Given up after 10 attempts: its worker died each time."
    assert [Step.objects.get(pk=step.pk).state for step in innocent] == ["done"] * 3
    assert titles() == ["Call"] * 3


def test_an_event_that_kills_its_worker_ends_dead_and_takes_nobody_along(
    clinic, patient, stranger_patient, monkeypatch
):
    published(clinic)
    poison = Event.objects.filter(subject_id=visit(stranger_patient).pk).get()
    move(visit(patient), status="completed")
    real = matcher._lock

    def lock(batch):
        if poison.pk in batch:
            raise SystemExit
        return real(batch)

    monkeypatch.setattr(matcher, "_lock", lock)
    for _ in range(60):
        with suppress(SystemExit):
            matcher.match_batch()
        clock.advance_by(claims.LEASE)
    ticking.drain_all()

    poison.refresh_from_db()
    assert (poison.state, poison.last_error) == ("dead", "Given up after 10 attempts: its worker died each time.")
    assert not Event.objects.filter(state="new").exists()
    assert titles() == ["Call"]


def test_only_what_was_tried_counts_as_tried(clinic, patient, monkeypatch):
    first, *others = planned(clinic, patient, 3)
    Step.objects.update(attempts=1)
    crash(monkeypatch, first.pk)

    with pytest.raises(SystemExit):
        executor.execute_batch()

    assert list(Step.objects.order_by("pk").values_list("attempts", flat=True)) == [2, 1, 1]
    clock.advance_by(claims.LEASE)
    with pytest.raises(SystemExit):
        executor.execute_batch()
    assert [Step.objects.get(pk=step.pk).state for step in others] == ["done", "done"]


def test_of_two_workers_that_hold_a_claim_one_begins(clinic, patient):
    [step] = planned(clinic, patient)
    Step.objects.update(attempts=1)
    claimed = claims.claim(claims.STEPS, 200)
    clock.advance_by(claims.LEASE)
    again = claims.claim(claims.STEPS, 200)
    assert claimed == again == {step.pk: 1}

    assert list(claims.batches("automations_step", again)) == [{step.pk: 2}]
    assert list(claims.batches("automations_step", claimed)) == []


def test_events_of_one_patient_that_were_tried_unequally_often_are_all_matched(clinic, patient):
    published(clinic)
    for _ in range(3):
        move(visit(patient), status="completed")
    events = list(Event.objects.order_by("pk"))
    for event, attempts in zip(events, (1, 3, 2, 5, 0, 2, 1), strict=True):
        Event.objects.filter(pk=event.pk).update(attempts=attempts)

    ticking.drain_all()

    assert set(Event.objects.values_list("state", flat=True)) == {"matched"}
    assert titles() == ["Call"] * 3


@pytest.mark.parametrize("state", ["done", "cancelled"])
def test_a_failure_recorded_late_does_not_bring_an_ended_step_back(clinic, patient, state):
    [step] = planned(clinic, patient)
    Step.objects.update(state=state, attempts=1, reason="stopped")

    outcomes.record_failure(step.pk, 1, OperationalError("the connection was lost"))

    step.refresh_from_db()
    assert (step.state, step.reason, step.lease_until) == (state, "stopped", None)


def test_a_commit_whose_answer_was_lost_is_not_done_again(clinic, patient, monkeypatch):
    [step] = planned(clinic, patient)
    real = executor._execute

    def execute_and_lose_the_answer(batch):
        real(batch)
        executor.transaction.on_commit(lose)
        return 1

    def lose() -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(executor, "_execute", execute_and_lose_the_answer)
    executor.execute_batch()

    step.refresh_from_db()
    assert (step.state, titles()) == ("done", ["Call"])


def test_an_event_that_was_matched_after_all_is_not_given_up(clinic, patient):
    rule = published(clinic)
    move(visit(patient), status="completed")
    ticking.drain_all()

    matcher._give_up(dict.fromkeys(Event.objects.values_list("pk", flat=True), 10), "OperationalError")

    assert not Event.objects.filter(state="dead").exists()
    assert states(rule) == [("a1", "done", "")]
