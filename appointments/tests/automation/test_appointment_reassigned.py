"""The trigger appointment.reassigned: the specialist of a visit that is not over changes."""

import pytest

from appointments.tests.builders import PATHS, STATES, fired_by, make_visit, moves

pytestmark = pytest.mark.django_db
KEY = "appointment.reassigned"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("state", STATES)
def test_it_fires_while_the_visit_is_not_over(patient, specialist, state, path):
    visit = make_visit(patient, state)
    expected = [KEY] if state in {"booked", "confirmed", "in_progress"} else []
    assert fired_by(moves(visit, specialist=specialist)[path]) == expected


@pytest.mark.parametrize("path", PATHS)
def test_taking_the_specialist_away_fires_it(patient, specialist, path):
    visit = make_visit(patient, specialist=specialist)
    assert fired_by(moves(visit, specialist=None)[path]) == [KEY]


@pytest.mark.parametrize("path", PATHS)
def test_the_same_specialist_again_does_not(patient, specialist, path):
    visit = make_visit(patient, specialist=specialist)
    assert fired_by(moves(visit, specialist=specialist)[path]) == []
