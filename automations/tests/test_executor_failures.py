"""Due steps that do not act: what becomes of failures, and what an action refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError

from automations import claims, executor, ticking
from automations.engine.declare import catalog
from automations.engine.values import Refusal
from automations.executor import execute_batch
from automations.models import Rule, Step
from automations.tests.builders import Jot, move, published, states, titles, visit
from automations.tests.executing import TASK, complete, pass_days
from clinic import clock
from patients.models import Patient

pytestmark = pytest.mark.django_db(transaction=True)


class TestFailures:
    def test_one_bad_step_rolls_back_its_group_and_the_others_are_done_singly(self, clinic, patient, told):
        rules = [
            published(clinic, "appointment.completed", {"type": "jot", "title": f"T{n}", **more}, name=f"R{n}")
            for n, more in enumerate(({}, {"fail": "bug"}, {}, {"fail": "temporary"}, {"fail": "permanent"}))
        ]
        people = [patient, *Patient.objects.bulk_create([Patient(clinic=clinic, given_name="Ana") for _ in range(2)])]
        for one in people:
            move(visit(one), status="completed")
        ticking.drain_all()
        assert [{state for _, state, _ in states(rule)} for rule in rules] == [
            {"done"},
            {"pending"},
            {"done"},
            {"pending"},
            {"failed"},
        ]
        assert sorted(titles()) == ["T0"] * 3 + ["T2"] * 3
        texts = set(Step.objects.exclude(reason_text="").values_list("reason_text", flat=True))
        assert texts == {"unexpected ZeroDivisionError", "told to fail: temporary", "told to fail: permanent"}

    def test_a_batch_whose_transaction_breaks_is_done_step_by_step(self, clinic, patient, monkeypatch):
        rule = published(clinic, "appointment.completed", TASK)
        for _ in range(3):
            complete(patient)
        real, sizes = executor._execute, []

        def break_together(batch: dict[int, int]) -> int:
            sizes.append(len(batch))
            done = real(batch)
            if len(batch) > 1:
                raise MemoryError
            return done

        monkeypatch.setattr(executor, "_execute", break_together)
        pass_days(1)
        assert sizes == [3, 1, 1, 1]
        assert states(rule) == [("a1", "done", "")] * 3
        assert titles() == ["Task"] * 3
        assert set(Step.objects.values_list("attempts", flat=True)) == {2}

    @pytest.mark.parametrize("code", claims.RETRIABLE)
    def test_a_deadlock_is_nobodys_failure(self, clinic, patient, monkeypatch, code):
        rule = published(clinic, "appointment.completed", TASK)
        complete(patient)

        class Refusing(Exception):
            sqlstate = code

        def refuse(batch: dict[int, int]) -> int:
            raise OperationalError("try again") from Refusing()

        clock.advance_by(timedelta(days=1))
        with monkeypatch.context() as broken:
            broken.setattr(executor, "_execute", refuse)
            assert execute_batch() == 0
        step = Step.objects.get(rule=rule)
        assert (step.state, step.attempts, step.lease_until) == ("pending", 0, None)
        assert execute_batch() == 1

    def test_the_tenth_attempt_is_the_last(self, clinic, patient):
        rule = published(clinic, "appointment.completed", {"type": "jot", "title": "No", "fail": "temporary"})
        complete(patient)
        waits = []
        for _ in range(9):
            step = Step.objects.get(rule=rule)
            assert step.state == "pending"
            assert step.lease_until is not None
            waits.append((step.lease_until - clock.now()).total_seconds())
            clock.advance_to(step.lease_until)
            execute_batch()
        step.refresh_from_db()
        assert (step.state, step.reason, step.reason_text, step.attempts) == (
            "failed",
            "failed",
            "told to fail: temporary",
            10,
        )
        assert all(0.4 * 2**n <= wait <= 2**n for n, wait in enumerate(waits)), waits

    def test_an_action_that_gives_no_result_is_no_success(self, clinic, patient, monkeypatch):
        rule = published(clinic)
        monkeypatch.setattr(Jot, "perform", lambda self, steps: {})
        complete(patient)
        assert states(rule) == [("a1", "failed", "failed")]

    def test_an_action_that_is_gone_fails_its_step_and_says_so(self, clinic, patient, monkeypatch):
        rule = published(clinic, "appointment.completed", TASK)
        complete(patient)
        monkeypatch.delitem(catalog.actions, "jot")
        pass_days(1)
        assert states(rule) == [("a1", "failed", "rule_broken")]
        assert Step.objects.get(rule=rule).reason_text == "The action 'jot' does not exist (any more)."
        assert Rule.objects.get(pk=rule.pk).error_streak == 1

    def test_a_success_ends_a_streak_of_errors(self, clinic, patient):
        rule = published(clinic)
        Rule.objects.filter(pk=rule.pk).update(error_streak=9)
        complete(patient)
        assert Rule.objects.get(pk=rule.pk).error_streak == 0

    def test_an_unexpected_error_while_recording_blames_no_patient_data(self, clinic, patient):
        rule = published(clinic, "appointment.completed", {"type": "jot", "title": "No", "fail": "bug"})
        complete(patient)
        assert "Maria" not in Step.objects.get(rule=rule).reason_text


class TestRefusals:
    def test_a_refusal_is_a_record_and_its_neighbours_act(self, clinic, patient):
        refused = published(clinic, "appointment.completed", {"type": "jot", "title": "No", "refuse": True})
        other = published(clinic, name="Other")
        complete(patient)
        assert states(refused) == [("a1", "skipped", "no_consent")]
        assert Step.objects.get(rule=refused).reason_text == "She said no."
        assert states(other) == [("a1", "done", "")]

    def test_put_off_to_a_later_time_it_stays_pending_and_starts_counting_again(self, clinic, patient, monkeypatch):
        rule = published(clinic)
        until = clock.now() + timedelta(days=1)
        capped = lambda self, steps: {s.id: Refusal("capped", "Enough today.", retry_at=until) for s in steps}  # noqa: E731
        with monkeypatch.context() as patched:
            patched.setattr(Jot, "guard", capped)
            complete(patient)
        step = Step.objects.get(rule=rule)
        assert (step.state, step.reason, step.due_at, step.attempts) == ("pending", "capped", until, 0)
        pass_days(1.1)
        assert (states(rule), titles()) == ([("a1", "done", "")], ["Call"])
