"""The one clock: it goes forward, and never because two looked at it at once."""

from datetime import UTC, datetime, timedelta

import pytest

from clinic import clock
from clinic.errors import Refused

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_the_clock_moves_to_the_moment_and_goes_on_from_there():
    target = clock.now() + HOUR

    clock.reach(target)

    assert timedelta() <= clock.now() - target < timedelta(minutes=1)


def test_a_moment_that_has_passed_leaves_the_clock_where_it_is():
    before = clock.now()

    clock.reach(before - HOUR)

    assert timedelta() <= clock.now() - before < timedelta(minutes=1)


def test_who_means_to_move_it_is_told_that_it_does_not_go_back():
    with pytest.raises(Refused, match="does not go back"):
        clock.advance_to(clock.now() - HOUR)


@pytest.mark.parametrize("move", [clock.reach, clock.advance_to])
def test_a_moment_without_a_zone_is_refused(move):
    before = clock.now()

    with pytest.raises(Refused, match="time zone"):
        move(datetime(2999, 1, 1))  # noqa: DTZ001 - that is the point

    assert clock.now() - before < timedelta(minutes=1)


@pytest.mark.parametrize("move", [clock.reach, clock.advance_to])
def test_in_production_nobody_moves_it(settings, move):
    settings.CLINIC_MODE = "production"

    with pytest.raises(Refused, match="only in the demo"):
        move(datetime(2999, 1, 1, tzinfo=UTC))

    assert clock.now().year < 2999
