"""The stop-only trigger treatment.ended: what was planned for a plan stops when the plan ends."""

import pytest

from automations import ticking
from automations.engine.declare import catalog
from automations.models import Step
from automations.tests.builders import published, states
from automations.tests.firing import fired_by
from treatments import services
from treatments.tests.builders import make_plan

pytestmark = pytest.mark.django_db
LATER = {"type": "jot", "title": "Call", "timing": {"mode": "delay", "amount": 2, "unit": "days"}}


@pytest.mark.parametrize("end", [services.complete, services.cancel])
def test_every_end_stops_what_is_pending_for_that_plan(clinic, patient, end):
    rule = published(clinic, "treatment.assigned", LATER)
    mine, other = make_plan(patient), make_plan(patient)
    ticking.drain_engine()
    end(mine)
    assert states(rule) == [("a1", "cancelled", "stopped"), ("a1", "pending", "")]
    told = Step.objects.get(state="cancelled").reason_text
    assert told.startswith("Stopped by: ")
    assert str(catalog.triggers["treatment.ended"].label) in told
    assert "treatment.ended" not in told
    assert other.status == "active"


def test_pausing_is_no_end(clinic, patient):
    rule = published(clinic, "treatment.assigned", LATER)
    plan = make_plan(patient)
    ticking.drain_engine()
    assert fired_by(lambda: services.pause(plan)) == []
    assert states(rule) == [("a1", "pending", "")]


def test_an_end_before_the_match_leaves_nothing_planned(clinic, patient):
    rule = published(clinic, "treatment.assigned", LATER)
    services.cancel(make_plan(patient))
    ticking.drain_engine()
    assert states(rule) == [("a1", "cancelled", "stopped")]
