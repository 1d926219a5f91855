"""A slip of the hand is taken back while the undo time lasts: by whose hand it was, and to where it came from."""

from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from appointments import services
from appointments.tests.builders import acting, fired_by, make_visit
from appointments.undoing import undoable
from clinic import clock
from clinic.errors import Refused


def last_of(visit):
    return AuditEntry.objects.filter(object_id=str(visit.pk)).latest("pk")


@pytest.mark.parametrize("before", ["booked", "confirmed", "in_progress"])
def test_a_completed_visit_goes_back_to_where_it_was(patient, front_desk, before):
    visit = make_visit(patient, before)
    with acting(front_desk):
        services.complete(visit)
        assert services.undo(visit).status == before
    assert (last_of(visit).action, last_of(visit).detail) == (
        "appointment.reopened",
        {"from": "completed", "to": before, "undo": True},
    )


@pytest.mark.parametrize("verb", ["cancel", "no_show", "complete"])
def test_taking_back_fires_the_correction_that_stops_what_was_planned(patient, front_desk, verb):
    visit = make_visit(patient, "confirmed")
    with acting(front_desk):
        getattr(services, verb)(visit)
        assert fired_by(lambda: services.undo(visit)) == ["appointment.reopened"]


def test_twice_is_once(patient, front_desk):
    visit = make_visit(patient)
    with acting(front_desk):
        services.complete(visit)
        services.undo(visit)
        assert services.undo(visit).status == "booked"
    assert AuditEntry.objects.filter(action="appointment.reopened").count() == 1


def test_after_the_undo_time_only_a_correction_leads_back(patient, front_desk, specialist):
    visit = make_visit(patient)
    with acting(front_desk):
        services.complete(visit)
        clock.advance_by(timedelta(seconds=patient.clinic.undo_seconds + 1))
        with pytest.raises(Refused) as caught:
            services.undo(visit)
    assert caught.value.code == "too_late"
    visit.refresh_from_db()
    assert visit.status == "completed"


def test_nobody_takes_back_what_another_did(patient, front_desk, specialist):
    visit = make_visit(patient)
    with acting(front_desk):
        services.complete(visit)
    visit.refresh_from_db()
    with acting(specialist):
        assert undoable(patient.clinic, [visit], clock.now()) == set()
        with pytest.raises(Refused):
            services.undo(visit)
    visit.refresh_from_db()
    assert visit.status == "completed"


def test_a_stranger_may_not(patient, front_desk, stranger):
    visit = make_visit(patient)
    with acting(front_desk):
        services.complete(visit)
    with acting(stranger), pytest.raises(Refused) as caught:
        services.undo(visit)
    assert caught.value.code == "forbidden"


def test_the_list_knows_what_can_be_taken_back_in_one_query(patient, front_desk, django_assert_num_queries):
    mine, open_one = make_visit(patient), make_visit(patient)
    with acting(front_desk):
        mine = services.complete(mine)
        moment = clock.now()
        with django_assert_num_queries(1):
            assert undoable(patient.clinic, [mine, open_one], moment) == {mine.pk}
        with django_assert_num_queries(0):
            assert undoable(patient.clinic, [open_one], moment) == set()
