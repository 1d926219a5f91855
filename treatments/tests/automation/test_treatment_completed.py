"""The trigger treatment.completed: a plan ends as completed, and its own end does not stop what starts from that."""

import pytest

from automations import ticking
from automations.tests.builders import published, states
from automations.tests.firing import fired_by
from treatments import services
from treatments.tests.builders import PATHS, make_draft, make_plan, moves

pytestmark = pytest.mark.django_db
KEY = "treatment.completed"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", ["active", "paused"])
def test_it_fires_when_a_plan_that_ran_is_completed(patient, status, path):
    plan = make_plan(patient)
    if status == "paused":
        plan = services.pause(plan)
    assert fired_by(moves(plan, status="completed")[path]) == [KEY, "treatment.ended"]


def test_cancelling_does_not(patient):
    plan = make_plan(patient)
    assert fired_by(lambda: services.cancel(plan)) == ["treatment.ended"]
    assert fired_by(lambda: services.cancel(make_draft(patient))) == ["treatment.ended"]


def test_a_rule_of_the_completion_is_not_stopped_by_the_end_that_it_is(clinic, patient):
    later = {"type": "jot", "title": "Call", "timing": {"mode": "delay", "amount": 2, "unit": "weeks"}}
    rule = published(clinic, KEY, {"type": "jot", "title": "Well done"}, later)
    services.complete(make_plan(patient))
    ticking.drain_engine()
    assert states(rule) == [("a1", "done", ""), ("a2", "pending", "")]
