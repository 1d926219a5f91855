"""A rule that matches and cannot be planned: it is to blame, and the others go on."""

from __future__ import annotations

from typing import Any

import pytest

from automations import answers, ticking
from automations.models import Event, Rule, Run
from automations.tests.builders import move, published, states, titles, visit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unplannable(clinic: Any, monkeypatch: Any) -> Rule:
    """A published rule whose planning breaks."""
    rule = published(clinic, name="Broken")
    real = answers.plan

    def plan(rule_id: int, *args: Any, **kwargs: Any) -> Any:
        if rule_id == rule.pk:
            raise LookupError("a name that is not there")
        return real(rule_id, *args, **kwargs)

    monkeypatch.setattr(answers, "plan", plan)
    return rule


def test_its_run_says_so_and_the_other_rules_act(clinic, patient, unplannable):
    other = published(clinic, name="Other")
    move(visit(patient), status="completed")

    ticking.drain_all()

    assert Event.objects.get(trigger="appointment.completed").state == "matched"
    run = Run.objects.get(rule=unplannable)
    assert (run.outcome, run.reason) == ("error", "rule_broken")
    assert run.reason_text == "Its steps could not be planned (LookupError)."
    assert (states(unplannable), states(other), titles()) == ([], [("a1", "done", "")], ["Call"])


def test_ten_in_a_row_quarantine_it(clinic, patient, unplannable):
    for number in range(10):
        unplannable.refresh_from_db()
        assert (unplannable.mode, unplannable.error_streak) == ("on", number)
        move(visit(patient), status="completed")
        ticking.drain_all()
    unplannable.refresh_from_db()
    assert unplannable.mode == "quarantined"
