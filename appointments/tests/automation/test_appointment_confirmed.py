"""The trigger appointment.confirmed: forward only."""

import pytest

from appointments.tests.builders import PATHS, STATES, fired_by, make_visit, moves
from automations.engine.declare import catalog

pytestmark = pytest.mark.django_db
KEY = "appointment.confirmed"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("state", STATES)
def test_it_fires_on_the_way_forward_and_not_on_a_correction(patient, state, path):
    visit = make_visit(patient, state)
    expected = state in {"booked", "in_progress"}
    assert (KEY in fired_by(moves(visit, status="confirmed")[path])) == expected


@pytest.mark.parametrize("path", PATHS)
def test_saving_it_again_does_not_fire_it(patient, path):
    visit = make_visit(patient, "confirmed")
    assert fired_by(moves(visit, status="confirmed")[path]) == []


@pytest.mark.parametrize("path", PATHS)
def test_another_field_does_not_fire_it(patient, path):
    visit = make_visit(patient, "confirmed")
    assert fired_by(moves(visit, location="Room 9")[path]) == []


def test_what_stops_its_rules_by_default():
    assert KEY not in catalog.triggers[KEY].stop_on  # a rule's own trigger never stops it
    assert set(catalog.triggers[KEY].stop_on) == {
        "appointment.cancelled",
        "appointment.no_show",
        "appointment.reopened",
        "appointment.voided",
        "patient.left",
    }
