"""The trigger treatment.assigned: a plan becomes active for a patient, once."""

import pytest

from automations.tests.firing import fired_by
from treatments import services
from treatments.tests.builders import PATHS, make_draft, make_plan, moves

pytestmark = pytest.mark.django_db
KEY = "treatment.assigned"


@pytest.mark.parametrize("path", PATHS)
def test_it_fires_when_a_draft_becomes_active(patient, path):
    plan = make_draft(patient)
    assert fired_by(moves(plan, status="active")[path]) == [KEY]


def test_writing_a_draft_does_not(patient):
    assert fired_by(lambda: make_draft(patient)) == []


def test_going_on_after_a_pause_does_not(patient):
    plan = services.pause(make_plan(patient))
    assert fired_by(lambda: services.resume(plan)) == []


def test_assigning_twice_fires_once(patient):
    plan = make_draft(patient)
    assert fired_by(lambda: services.assign(plan)) == [KEY]
    assert fired_by(lambda: services.assign(plan)) == []


@pytest.mark.parametrize("path", PATHS)
def test_changing_an_active_plan_does_not(patient, path):
    plan = make_plan(patient)
    assert fired_by(moves(plan, name="Another name")[path]) == []
