"""The stop-only trigger appointment.voided: entered in error, and nothing else fires."""

import pytest

from appointments.tests.builders import PATHS, STATES, fired_by, make_visit, moves
from automations.engine.declare import catalog

pytestmark = pytest.mark.django_db
KEY = "appointment.voided"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("state", [state for state in STATES if state != "entered_in_error"])
def test_it_alone_fires_when_a_visit_is_struck_out(patient, state, path):
    visit = make_visit(patient, state)
    assert fired_by(moves(visit, status="entered_in_error")[path]) == [KEY]


def test_no_rule_can_start_from_it():
    assert catalog.triggers[KEY].stop_only
