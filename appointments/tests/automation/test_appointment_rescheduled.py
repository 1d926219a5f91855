"""The trigger appointment.rescheduled: the start of a visit still ahead moves."""

from datetime import timedelta

import pytest

from appointments.tests.builders import PATHS, STATES, changes_of, fired_by, make_visit, moves

pytestmark = pytest.mark.django_db
KEY = "appointment.rescheduled"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("state", STATES)
def test_it_fires_while_the_visit_is_ahead(patient, state, path):
    visit = make_visit(patient, state)
    expected = [KEY] if state in {"booked", "confirmed"} else []
    assert fired_by(moves(visit, starts_at=visit.starts_at + timedelta(hours=1))[path]) == expected


@pytest.mark.parametrize("path", PATHS)
def test_the_same_moment_in_another_zone_is_no_move(patient, path):
    from zoneinfo import ZoneInfo

    visit = make_visit(patient)
    same = visit.starts_at.astimezone(ZoneInfo("America/New_York"))
    assert changes_of(moves(visit, starts_at=same)[path]) == []


@pytest.mark.parametrize("path", PATHS)
def test_moving_and_cancelling_at_once_tells_of_the_cancelling_only(patient, path):
    visit = make_visit(patient)
    move = moves(visit, starts_at=visit.starts_at + timedelta(hours=1), status="cancelled")[path]
    assert fired_by(move) == ["appointment.cancelled"]
