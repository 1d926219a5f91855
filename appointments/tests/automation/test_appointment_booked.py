"""The trigger appointment.booked: on creation, by every path; never on a change."""

import pytest

from appointments.models import Appointment
from appointments.tests.builders import PATHS, STATES, changes_of, fired_by, make_visit, moves, service_of
from automations.engine.declare import catalog
from clinic import clock

pytestmark = pytest.mark.django_db
KEY = "appointment.booked"


def new(patient, status="booked"):
    service = service_of(patient.clinic)
    return Appointment(clinic=patient.clinic, patient=patient, service=service, starts_at=clock.now(), status=status)


def test_it_fires_when_a_visit_is_saved_or_inserted_in_bulk(patient):
    assert fired_by(lambda: new(patient).save()) == [KEY]
    assert fired_by(lambda: Appointment.objects.create(**{f: getattr(new(patient), f) for f in FIELDS})) == [KEY]
    assert fired_by(lambda: Appointment.objects.bulk_create([new(patient), new(patient)])) == [KEY, KEY]


FIELDS = ("clinic", "patient", "service", "starts_at")


@pytest.mark.parametrize("status", STATES)
def test_a_visit_created_in_a_later_state_was_booked_too_unless_in_error(patient, status):
    fired = fired_by(lambda: Appointment.objects.bulk_create([new(patient, status)]))
    assert (KEY in fired) == (status != "entered_in_error")


@pytest.mark.parametrize("path", PATHS)
def test_a_change_does_not_fire_it(patient, path):
    visit = make_visit(patient, "cancelled")
    assert KEY not in fired_by(moves(visit, status="booked")[path])


def test_first_only_asks_for_the_patients_first_visit():
    trigger = catalog.triggers[KEY]
    assert trigger.accepts({"first_only": True}, {"appointment.is_first": True})
    assert not trigger.accepts({"first_only": True}, {"appointment.is_first": False})
    assert not trigger.accepts({"first_only": True}, {})
    assert trigger.accepts({"first_only": False}, {"appointment.is_first": False})
    assert trigger.accepts({}, {"appointment.is_first": False})


def test_its_event_keeps_codes_and_numbers_only(patient):
    visit = new(patient)
    visit.location, visit.join_url = "Room 2", "https://meet.example/x"
    (change,) = changes_of(visit.save)
    assert set(catalog.triggers[KEY].snapshot(change)) == {
        "status",
        "starts_at",
        "specialist_id",
        "service_id",
        "series_position",
    }


def test_what_stops_its_rules_by_default():
    assert catalog.triggers[KEY].stop_on == (
        "appointment.cancelled",
        "appointment.no_show",
        "appointment.reopened",
        "appointment.voided",
        "patient.left",
    )
