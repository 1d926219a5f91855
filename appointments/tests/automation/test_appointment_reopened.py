"""The trigger appointment.reopened: from a state that was over back to one that is not; it fires alone."""

import pytest

from appointments.tests.builders import PATHS, fired_by, make_visit, moves
from automations.engine.declare import catalog

pytestmark = pytest.mark.django_db
KEY = "appointment.reopened"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("back", ["booked", "confirmed", "in_progress"])
@pytest.mark.parametrize("state", ["completed", "cancelled", "no_show", "entered_in_error"])
def test_it_alone_fires_on_a_correction(patient, state, back, path):
    visit = make_visit(patient, state)
    assert fired_by(moves(visit, status=back)[path]) == [KEY]


@pytest.mark.parametrize("path", PATHS)
def test_going_back_while_the_visit_is_open_does_not_fire_it(patient, path):
    visit = make_visit(patient, "confirmed")
    assert fired_by(moves(visit, status="booked")[path]) == []


def test_it_does_not_stop_its_own_rules():
    assert KEY not in catalog.triggers[KEY].stop_on
