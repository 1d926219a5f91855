"""Booking and the verbs: who may, what is refused, what two clicks do."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.models import AuditEntry
from appointments import services
from appointments.models import Appointment, Series
from appointments.tests.builders import acting, at, changes_of, fired_by, make_service, make_visit, service_of
from clinic import clock
from clinic.errors import ClinicError, ImpossibleTransition, Refused, StaleRecord
from patients.models import Patient

pytestmark = pytest.mark.django_db
MONDAY = at("2027-01-04T09:00:00+02:00")


def book(patient, **fields):
    given = {"clinic": patient.clinic, "service": service_of(patient.clinic), "starts_at": MONDAY} | fields
    return services.book(patient=patient, **given)


def test_a_booked_visit_takes_the_length_of_its_service_and_is_audited(patient, specialist):
    visit = book(patient, specialist=specialist, location="Room 2")
    assert (visit.status, visit.minutes, visit.location, visit.revision) == ("booked", 45, "Room 2", 1)
    entry = AuditEntry.objects.get(action="appointment.booked")
    assert (entry.patient_id, entry.object_id, entry.detail) == (patient.pk, str(visit.pk), {"status": "booked"})


@pytest.mark.parametrize(
    ("status", "fires"),
    [
        ("booked", ["appointment.booked"]),
        ("confirmed", ["appointment.booked", "appointment.confirmed"]),
        ("in_progress", ["appointment.booked", "appointment.started"]),
        ("completed", ["appointment.booked", "appointment.completed"]),
        ("cancelled", ["appointment.booked", "appointment.cancelled"]),
        ("no_show", ["appointment.booked", "appointment.no_show"]),
        ("entered_in_error", ["appointment.voided"]),
    ],
)
def test_a_visit_recorded_in_a_later_state_fires_its_creation_and_that_state(patient, status, fires):
    assert fired_by(lambda: book(patient, status=status)) == fires


def test_two_clicks_on_confirm_are_one_event_and_one_audit_entry(patient):
    visit = make_visit(patient)
    first_copy, second_copy = Appointment.objects.get(pk=visit.pk), Appointment.objects.get(pk=visit.pk)
    changes = changes_of(lambda: (services.confirm(first_copy), services.confirm(second_copy)))
    assert [change.new["status"] for change in changes] == ["confirmed"]
    assert AuditEntry.objects.filter(action="appointment.confirmed").count() == 1


def test_what_happened_earlier_keeps_its_moment(patient):
    visit = make_visit(patient)
    moment = clock.now() - timedelta(days=3)
    (change,) = changes_of(lambda: services.complete(visit, occurred_at=moment))
    assert change.occurred_at == moment


def test_what_has_not_happened_yet_is_refused(patient):
    visit = make_visit(patient)
    with pytest.raises(ClinicError) as caught:
        services.complete(visit, occurred_at=clock.now() + timedelta(minutes=5))
    assert (caught.value.code, caught.value.path) == ("future", "occurred_at")
    visit.refresh_from_db()
    assert visit.status == "booked"


def test_a_time_without_a_zone_is_refused(patient):
    with pytest.raises(ClinicError) as caught:
        book(patient, starts_at=datetime(2027, 1, 4, 9))  # noqa: DTZ001
    assert (caught.value.code, caught.value.path) == ("naive_time", "starts_at")
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("year", [1, 1899, 2200, 9999])
def test_a_year_that_is_a_slip_is_refused(patient, year):
    moment = datetime(year, 12, 31, 23, 59, tzinfo=ZoneInfo("America/New_York"))
    visit = make_visit(patient)
    for write in (
        lambda: book(patient, starts_at=moment),
        lambda: services.change(visit, starts_at=moment),
        lambda: services.book_series(
            clinic=patient.clinic, patient=patient, service=service_of(patient.clinic), starts=[moment]
        ),
    ):
        with pytest.raises(ClinicError) as caught:
            write()
        assert caught.value.code == "year"
    assert Appointment.objects.count() == 1


def test_a_verb_with_the_revision_of_an_old_screen_is_refused(patient):
    visit = make_visit(patient)
    services.reschedule(visit, starts_at=MONDAY)
    with pytest.raises(StaleRecord):
        services.confirm(visit, revision=1)
    visit.refresh_from_db()
    assert (visit.status, visit.revision) == ("booked", 2)


def test_asking_again_for_what_happened_is_fine_from_an_old_screen_too(patient):
    visit = make_visit(patient)
    services.confirm(visit, revision=1)
    assert services.confirm(visit, revision=1).revision == 2


def test_one_change_of_time_and_specialist_is_one_write(patient, specialist):
    visit = make_visit(patient)
    (change,) = changes_of(lambda: services.change(visit, starts_at=MONDAY, specialist=specialist, location="Room 9"))
    assert (change.new["starts_at"], change.new["specialist_id"]) == (MONDAY, specialist.pk)
    visit.refresh_from_db()
    assert (visit.location, visit.revision) == ("Room 9", 2)


def test_a_change_that_changes_nothing_writes_nothing(patient):
    visit = make_visit(patient)
    assert changes_of(lambda: services.change(visit, starts_at=visit.starts_at, location="")) == []
    assert not AuditEntry.objects.exists()


# --- who may ---


@pytest.mark.parametrize("verb", ["confirm", "start", "complete", "cancel", "no_show"])
@pytest.mark.parametrize("who", ["admin", "specialist", "front_desk"])
def test_everybody_of_the_clinic_takes_a_visit_on(request, patient, verb, who):
    visit = make_visit(patient)
    with acting(request.getfixturevalue(who)):
        assert getattr(services, verb)(visit).status != "booked"


@pytest.mark.parametrize("verb", ["confirm", "start", "complete", "cancel", "no_show", "enter_in_error"])
def test_nobody_of_another_clinic_does(patient, stranger, verb):
    visit = make_visit(patient)
    with acting(stranger), pytest.raises(Refused):
        getattr(services, verb)(visit)
    visit.refresh_from_db()
    assert (visit.status, visit.revision) == ("booked", 1)


def test_the_front_desk_corrects_no_finished_visit(patient, front_desk):
    visit = make_visit(patient, "completed")
    with acting(front_desk):
        with pytest.raises(Refused):
            services.reopen(visit)
        with pytest.raises(Refused):
            services.enter_in_error(visit)
    visit.refresh_from_db()
    assert visit.status == "completed"


def test_a_correction_names_who_made_it_and_why(patient, specialist):
    visit = make_visit(patient, "completed")
    with acting(specialist):
        services.reopen(visit, reason="wrong patient")
    entry = AuditEntry.objects.get(action="appointment.reopened")
    assert (entry.actor_id, entry.detail) == (
        specialist.user_id,
        {"from": "completed", "to": "booked", "reason": "wrong patient"},
    )


# --- what does not fit ---


def test_nothing_of_another_clinic_is_booked(patient, stranger_patient, stranger):
    service = make_service(stranger_patient.clinic)
    for wrong in ({"service": service}, {"specialist": stranger}):
        with pytest.raises(ClinicError):
            book(patient, **wrong)
    with pytest.raises(ClinicError):
        services.book(
            clinic=patient.clinic, patient=stranger_patient, service=service_of(patient.clinic), starts_at=MONDAY
        )
    assert not Appointment.objects.exists()


def test_only_an_active_specialist_gets_visits(patient, front_desk, specialist):
    specialist.is_active = False
    specialist.save()
    for wrong in (front_desk, specialist):
        with pytest.raises(ClinicError) as caught:
            book(patient, specialist=wrong)
        assert (caught.value.code, caught.value.path) == ("not_a_specialist", "specialist")
    assert not Appointment.objects.exists()


def test_an_archived_service_is_not_booked_but_its_past_is_recorded(patient):
    service = services.archive_service(service_of(patient.clinic))
    with pytest.raises(ClinicError) as caught:
        book(patient, service=service)
    assert caught.value.path == "service"
    assert book(patient, service=service, status="completed").status == "completed"


def test_a_patient_who_left_is_not_booked(patient):
    Patient.objects.filter(pk=patient.pk).update(status="archived")
    with pytest.raises(Refused) as caught:
        book(patient)
    assert caught.value.code == "patient_inactive"
    assert not Appointment.objects.exists()


def test_an_unknown_state_is_refused_by_name(patient):
    with pytest.raises(ClinicError) as caught:
        book(patient, status="finished")
    assert "finished" in caught.value.message
    assert not Appointment.objects.exists()


# --- series ---


def test_a_series_numbers_its_visits_by_their_time(patient):
    starts = [MONDAY + timedelta(weeks=n) for n in (2, 0, 1)]
    changes = changes_of(
        lambda: services.book_series(
            clinic=patient.clinic, patient=patient, service=service_of(patient.clinic), starts=starts, name="Back"
        )
    )
    series = Series.objects.get()
    assert list(series.appointments.order_by("starts_at").values_list("series_position", "starts_at")) == [
        (1, MONDAY),
        (2, MONDAY + timedelta(weeks=1)),
        (3, MONDAY + timedelta(weeks=2)),
    ]
    assert [(c.created, c.new["series_position"]) for c in changes] == [(True, 1), (True, 2), (True, 3)]


@pytest.mark.parametrize("starts", [[], [MONDAY, MONDAY]])
def test_a_series_needs_different_times(patient, starts):
    with pytest.raises(ClinicError):
        services.book_series(clinic=patient.clinic, patient=patient, service=service_of(patient.clinic), starts=starts)
    assert not Series.objects.exists()


def test_the_message_of_an_impossible_move_says_both_states(patient):
    visit = make_visit(patient, "cancelled")
    with pytest.raises(ImpossibleTransition, match=r"cancelled.*completed"):
        services.complete(visit)
