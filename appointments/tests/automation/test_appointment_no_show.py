"""The trigger appointment.no_show: whenever a visit becomes so."""

import pytest

from appointments.tests.builders import PATHS, STATES, fired_by, make_visit, moves
from automations.engine.declare import catalog

pytestmark = pytest.mark.django_db
KEY = "appointment.no_show"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("state", STATES)
def test_it_fires_whenever_it_becomes_so(patient, state, path):
    visit = make_visit(patient, state)
    expected = state in {"booked", "confirmed", "in_progress", "completed", "cancelled", "entered_in_error"}
    assert (KEY in fired_by(moves(visit, status="no_show")[path])) == expected


@pytest.mark.parametrize("path", PATHS)
def test_saving_it_again_does_not_fire_it(patient, path):
    visit = make_visit(patient, "no_show")
    assert fired_by(moves(visit, status="no_show")[path]) == []


@pytest.mark.parametrize("path", PATHS)
def test_another_field_does_not_fire_it(patient, path):
    visit = make_visit(patient, "no_show")
    assert fired_by(moves(visit, location="Room 9")[path]) == []


def test_what_stops_its_rules_by_default():
    assert KEY not in catalog.triggers[KEY].stop_on  # a rule's own trigger never stops it
    assert set(catalog.triggers[KEY].stop_on) == {
        "appointment.cancelled",
        "appointment.reopened",
        "appointment.voided",
        "patient.left",
    }
