"""People read times in the zone of their clinic."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.middleware import ActorMiddleware, zone_of
from tests.cast import make_member

pytestmark = pytest.mark.django_db


def read_zone(rf, user):
    request = rf.get("/")
    request.user = user
    return ActorMiddleware(lambda _request: timezone.get_current_timezone_name())(request)


def test_the_zone_is_the_clinics_while_the_request_is_answered(rf, admin, stranger, operator):
    assert read_zone(rf, admin.user) == "Europe/Bucharest"
    assert read_zone(rf, stranger.user) == "America/New_York"
    assert read_zone(rf, operator) == "UTC"
    assert timezone.get_current_timezone_name() == "UTC"


def test_who_works_in_two_zones_reads_utc(clinic, other_clinic):
    members = [make_member(one, "front_desk", "fay", "Fay") for one in (clinic, other_clinic)]
    assert zone_of(members) == "UTC"
    assert zone_of(members[:1]) == "Europe/Bucharest"
