"""Visits at the same time: who is told, who may go on, and that two clicks at once do not slip through."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import AuditEntry
from appointments import services
from appointments.models import Appointment, Series
from appointments.tests.builders import acting, make_visit, service_of
from clinic import clock
from clinic.errors import Refused
from patients.models import Patient
from tests.cast import make_member
from tests.races.arena import at_once

TEN = datetime(2026, 12, 7, 8, 0, tzinfo=UTC)  # ten o'clock in Bucharest


@pytest.fixture(autouse=True)
def _a_week_before(db):
    """Let the clock stand a week before these visits, whatever day it is: a visit in the past asks for a reason."""
    clock.begin_at(TEN - timedelta(days=7))


def minutes(n):
    return timedelta(minutes=n)


def book(patient, starts_at=TEN, **fields):
    fields = {"service": service_of(patient.clinic), "clash_reason": ""} | fields
    return services.book(clinic=patient.clinic, patient=patient, starts_at=starts_at, **fields)


@pytest.fixture
def other_patient(clinic):
    return Patient.objects.create(clinic=clinic, given_name="Ion", family_name="Ilie")


@pytest.mark.parametrize(("later", "clashes"), [(-45, False), (-44, True), (0, True), (44, True), (45, False)])
def test_a_patient_is_not_in_two_places_at_once(patient, later, clashes):
    visit = make_visit(patient, starts_at=TEN, minutes=45)
    if not clashes:
        assert book(patient, TEN + minutes(later)).minutes == 45
        return
    with pytest.raises(Refused) as caught:
        book(patient, TEN + minutes(later))
    assert (caught.value.code, caught.value.path) == ("clash", "clash_reason")
    assert "The patient has a visit then already (" in caught.value.message
    assert list(Appointment.objects.all()) == [visit]


def test_a_specialist_sees_one_patient_at_a_time(patient, other_patient, specialist):
    make_visit(patient, starts_at=TEN, specialist=specialist, minutes=45)
    with pytest.raises(Refused) as caught:
        book(other_patient, TEN + minutes(30), specialist=specialist)
    assert "Dr. Ioana Ionescu has another visit then (" in caught.value.message
    another = make_member(patient.clinic, "specialist", "dr-pop", "Dr. Pop")
    assert book(other_patient, TEN + minutes(30), specialist=another).specialist == another


@pytest.mark.parametrize("status", ["completed", "cancelled", "no_show", "entered_in_error"])
def test_what_is_over_leaves_the_time_free(patient, status):
    make_visit(patient, status, starts_at=TEN)
    assert book(patient).status == "booked"


def test_what_is_recorded_afterwards_clashes_with_nothing(patient):
    make_visit(patient, starts_at=TEN)
    assert book(patient, status="completed").status == "completed"


def test_a_stay_of_days_leaves_room_for_visits(patient):
    make_visit(patient, starts_at=TEN - timedelta(hours=2), minutes=3 * 24 * 60)
    assert book(patient).status == "booked"


def test_a_reason_books_all_the_same_and_is_kept(patient):
    visit = make_visit(patient, starts_at=TEN)
    booked = book(patient, clash_reason=" Both in one room ")
    entry = AuditEntry.objects.get(action="appointment.booked", object_id=str(booked.pk))
    assert entry.detail == {"status": "booked", "clash_reason": "Both in one room", "clashes": [visit.pk]}


def test_a_reason_that_was_not_needed_is_not_kept(patient):
    booked = book(patient, clash_reason="In case")
    assert AuditEntry.objects.get(object_id=str(booked.pk)).detail == {"status": "booked"}


def test_programs_are_not_asked(patient):
    make_visit(patient, starts_at=TEN)
    assert book(patient, clash_reason=None).starts_at == TEN


def test_many_clashes_are_counted(patient, specialist):
    for number in range(5):
        make_visit(patient, starts_at=TEN + timedelta(weeks=number))
    with pytest.raises(Refused) as caught:
        services.book_series(
            clinic=patient.clinic,
            patient=patient,
            service=service_of(patient.clinic),
            starts=[TEN + timedelta(weeks=n) for n in range(5)],
            clash_reason="",
        )
    assert caught.value.message.count("The patient has a visit then already") == 3
    assert "There are 2 more." in caught.value.message
    assert not Series.objects.exists()


def test_a_visit_moves_within_its_own_time_but_not_onto_another(patient, specialist):
    visit = make_visit(patient, starts_at=TEN, specialist=specialist)
    make_visit(patient, starts_at=TEN + timedelta(hours=2))
    moved = services.change(visit, starts_at=TEN + minutes(10), clash_reason="")
    assert moved.starts_at == TEN + minutes(10)
    with pytest.raises(Refused):
        services.change(visit, starts_at=TEN + timedelta(hours=2), clash_reason="")
    visit.refresh_from_db()
    assert visit.starts_at == TEN + minutes(10)
    services.change(visit, starts_at=TEN + timedelta(hours=2), clash_reason="A pair")
    entry = AuditEntry.objects.filter(action="appointment.rescheduled").latest("pk")
    assert entry.detail["clash_reason"] == "A pair"


def test_another_specialist_may_be_busy(patient, other_patient, specialist):
    make_visit(other_patient, starts_at=TEN, specialist=specialist)
    visit = make_visit(patient, starts_at=TEN)
    with pytest.raises(Refused):
        services.change(visit, specialist=specialist, clash_reason="")
    assert services.change(visit, location="Room 3", clash_reason="").location == "Room 3"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_book_the_same_hour_at_once_one_is_told(patient, other_patient, specialist, front_desk):
    service = service_of(patient.clinic)

    def click(someone, starts_at):
        def go():
            with acting(front_desk):
                try:
                    return book(someone, starts_at, service=service, specialist=specialist).status
                except Refused as error:
                    return error.code

        return go

    for week in range(3):
        starts_at = TEN + timedelta(weeks=week)
        results = at_once(click(patient, starts_at), click(other_patient, starts_at))
        assert sorted(results) == ["booked", "clash"]
        assert Appointment.objects.count() == week + 1


def test_an_odd_day_asks_whoever_moves_a_visit_there_and_no_program(patient):
    visit = make_visit(patient, starts_at=TEN)
    long_ago = TEN - timedelta(days=700)
    with pytest.raises(Refused) as refused:
        services.change(visit, starts_at=long_ago, clash_reason="")
    assert (refused.value.code, refused.value.path) == ("odd_date", "clash_reason")
    assert services.change(visit, starts_at=long_ago).starts_at == long_ago
    assert services.change(visit, minutes=50, clash_reason="").minutes == 50  # its day is not asked about again
