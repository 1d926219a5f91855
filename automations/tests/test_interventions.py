"""What people do to single steps, and what a pause of everything stops."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import AuditEntry, Pause
from automations import interventions, ticking
from automations.models import Run, Step
from automations.tests.builders import move, published, states, titles, visit
from automations.tests.ruling import planned
from clinic import clock
from clinic.errors import ImpossibleTransition

pytestmark = pytest.mark.django_db(transaction=True)


class TestInterventions:
    def test_a_skipped_step_never_acts(self, clinic, patient):
        rule, step = planned(clinic, patient)
        assert interventions.skip(step).finished_at is not None
        list(ticking.walk_to(clock.now() + timedelta(days=3)))
        assert (states(rule), titles()) == ([("a1", "skipped", "skipped_by_person")], [])

    def test_a_held_step_waits_past_its_time_until_it_is_released(self, clinic, patient):
        rule, step = planned(clinic, patient)
        assert [interventions.hold(step).state for _ in range(2)] == ["held", "held"]
        list(ticking.walk_to(clock.now() + timedelta(days=3)))
        assert titles() == []
        interventions.release(step)
        ticking.drain_all()
        assert (states(rule), titles()) == ([("a1", "done", "")], ["Later"])

    def test_run_now_acts_before_the_time(self, clinic, patient):
        rule, step = planned(clinic, patient)
        interventions.run_now(step)
        ticking.drain_all()
        assert (states(rule), titles()) == ([("a1", "done", "")], ["Later"])

    def test_run_now_ends_a_wait(self, clinic, patient):
        within = {"amount": 3, "unit": "days"}
        timing = {"mode": "wait_for", "trigger": "appointment.summary_released", "within": within, "otherwise": "skip"}
        _rule, step = planned(clinic, patient, {"type": "jot", "title": "Summary", "timing": timing})
        interventions.run_now(step)
        ticking.drain_all()
        assert titles() == ["Summary"]

    def test_a_failed_step_is_tried_again_with_a_fresh_count(self, clinic, patient):
        rule, step = planned(clinic, patient, {"type": "jot", "title": "No", "fail": "permanent"})
        assert states(rule) == [("a1", "failed", "failed")]
        again = interventions.retry(Step.objects.get(pk=step.pk))
        assert (again.state, again.attempts, again.finished_at, again.reason_text) == ("pending", 0, None, "")
        ticking.drain_all()
        again.refresh_from_db()
        assert (again.state, again.attempts) == ("failed", 1)

    @pytest.mark.parametrize(
        ("verb", "state"),
        [
            (interventions.skip, "done"),
            (interventions.hold, "cancelled"),
            (interventions.run_now, "skipped"),
            (interventions.retry, "done"),
        ],
    )
    def test_what_has_ended_or_is_elsewhere_is_refused(self, clinic, patient, verb, state):
        _rule, step = planned(clinic, patient)
        Step.objects.filter(pk=step.pk).update(state=state)
        with pytest.raises(ImpossibleTransition):
            verb(step)
        assert Step.objects.get(pk=step.pk).state == state
        assert not AuditEntry.objects.filter(action__startswith="step.").exists()


class TestPauseAll:
    @pytest.mark.parametrize("scope", ["clinic", "rule", "patient"])
    def test_nothing_is_carried_out_while_matching_goes_on(self, clinic, patient, stranger_patient, scope):
        rule = published(clinic)
        abroad = published(stranger_patient.clinic, "appointment.completed", {"type": "jot", "title": "Abroad"})
        target = {"clinic": None, "rule": rule.pk, "patient": patient.pk}[scope]
        pause = Pause.objects.create(clinic=clinic, scope=scope, target_id=target, why="test")
        for one in (patient, stranger_patient):
            move(visit(one), status="completed")
        ticking.drain_all()
        assert (states(rule), states(abroad)) == ([("a1", "pending", "")], [("a1", "done", "")])
        assert [run.outcome for run in Run.objects.filter(rule=rule)] == ["matched"]
        pause.ended_at = clock.now()
        pause.save()
        ticking.drain_all()
        assert states(rule) == [("a1", "done", "")]
