"""The facts about appointments, read as rules read them: of events, and of patients at a moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from appointments import services
from appointments.models import Appointment
from appointments.tests.builders import at, make_service, make_visit
from automations.engine.values import fact_key
from automations.facts import read_events, read_patients
from automations.models import Event

pytestmark = pytest.mark.django_db
NOON = at("2026-05-31T12:00:00+03:00")  # Bucharest, summer time


def of_event(trigger: str, key: str, **params: Any) -> Any:
    """Read one fact of the newest event of a trigger."""
    event = Event.objects.filter(trigger=trigger).latest("pk")
    return read_events([event], {event.pk: [(key, params)]})[event.pk].get(fact_key(key, params), "not offered")


def of_patient(patient: Any, key: str, moment: Any = NOON, **params: Any) -> Any:
    """Read one fact of a patient as of a moment."""
    return read_patients([patient.pk], [(key, params)], moment)[patient.pk][fact_key(key, params)]


# --- of the appointment ---


def test_a_booking_tells_service_specialist_start_and_position(patient, specialist):
    start = at("2027-01-04T09:00:00+02:00")
    visit = make_visit(patient, starts_at=start, specialist=specialist, series_position=None)
    booked = "appointment.booked"
    assert of_event(booked, "appointment.service") == "initial-evaluation"
    assert of_event(booked, "appointment.specialist") == "dr-ionescu"
    assert of_event(booked, "appointment.starts_at") == "2027-01-04T07:00:00+00:00"
    assert of_event(booked, "appointment.series_position") is None
    event = Event.objects.get(trigger=booked)
    assert of_event(booked, "appointment.lead_hours") == (start - event.occurred_at).total_seconds() / 3600
    assert visit.specialist == specialist


def test_a_visit_without_a_specialist_has_an_unknown_one(patient):
    make_visit(patient)
    assert of_event("appointment.booked", "appointment.specialist") is None


def test_a_series_tells_each_position(patient):
    start = at("2027-01-04T09:00:00+02:00")
    services.book_series(
        clinic=patient.clinic,
        patient=patient,
        service=make_service(patient.clinic),
        starts=[start, start + timedelta(days=7)],
    )
    events = list(Event.objects.filter(trigger="appointment.booked").order_by("pk"))
    facts = read_events(events, {event.pk: [("appointment.series_position", {})] for event in events})
    assert [facts[event.pk]["appointment.series_position"] for event in events] == [1, 2]


def test_a_moved_visit_tells_both_starts_and_by_how_much(patient):
    visit = make_visit(patient, starts_at=at("2026-03-27T10:00:00+02:00"))
    # 29 March 2026 is the day on which Bucharest moves its clocks: 71 elapsed hours, not 72.
    services.reschedule(visit, starts_at=at("2026-03-30T10:00:00+03:00"), occurred_at=at("2026-03-26T10:00:00+02:00"))
    moved = "appointment.rescheduled"
    assert of_event(moved, "appointment.old_starts_at") == "2026-03-27T08:00:00+00:00"
    assert of_event(moved, "appointment.starts_at") == "2026-03-30T07:00:00+00:00"
    assert of_event(moved, "appointment.hours_moved") == 71
    assert of_event(moved, "appointment.notice_hours") == 24
    assert of_event(moved, "appointment.lead_hours") == 95
    event = Event.objects.get(trigger=moved)
    facts = read_events([event], {event.pk: [("appointment.starts_at", {})]})[event.pk]
    assert facts["appointment.starts_at@old"] == "2026-03-27T08:00:00+00:00"


def test_a_cancelled_visit_tells_its_notice(patient):
    visit = make_visit(patient, starts_at=at("2026-03-27T10:00:00+02:00"))
    services.cancel(visit, occurred_at=at("2026-03-27T04:30:00+02:00"))
    assert of_event("appointment.cancelled", "appointment.notice_hours") == 5.5


def test_a_reassigned_visit_tells_the_old_specialist_and_the_new(patient, specialist):
    visit = make_visit(patient, specialist=specialist)
    services.reassign(visit, specialist=None)
    event = Event.objects.get(trigger="appointment.reassigned")
    facts = read_events([event], {event.pk: [("appointment.specialist", {})]})[event.pk]
    assert (facts["appointment.specialist@old"], facts["appointment.specialist"]) == ("dr-ionescu", None)


def test_the_release_of_a_summary_tells_of_its_visit(patient, specialist):
    visit = make_visit(patient, "completed", specialist=specialist)
    services.write_summary(visit, text="Words.")
    services.release_summary(visit)
    assert of_event("appointment.summary_released", "appointment.service") == "initial-evaluation"
    assert of_event("appointment.summary_released", "appointment.specialist") == "dr-ionescu"


@pytest.mark.parametrize(
    ("before", "first"),
    [
        ([], True),
        (["cancelled"], True),
        (["entered_in_error", "cancelled"], True),
        (["no_show"], False),
        (["cancelled", "booked"], False),
    ],
)
def test_the_first_visit_is_the_one_booked_before_any_that_counts(patient, before, first):
    for status in before:
        make_visit(patient, status)
    make_visit(patient)
    assert of_event("appointment.booked", "appointment.is_first") is first


def test_somebody_elses_visits_do_not_count(patient, stranger_patient):
    make_visit(stranger_patient)
    make_visit(patient)
    assert of_event("appointment.booked", "appointment.is_first") is True
    assert of_patient(patient, "patient.appointment_count", Event.objects.latest("pk").occurred_at + timedelta(9)) == 1


# --- of the patient ---


@pytest.mark.parametrize(
    ("start", "counts"),
    [
        ("2026-02-28T23:59:59+02:00", False),  # (28 February, 31 May]: 31 May less 3 months is 28 February
        ("2026-03-01T00:00:00+02:00", True),
        ("2026-05-31T23:59:59+03:00", True),  # later today is today
        ("2026-06-01T00:00:00+03:00", False),  # tomorrow does not count
    ],
)
def test_the_last_three_months_are_local_days(patient, start, counts):
    make_visit(patient, starts_at=at(start))
    count = of_patient(patient, "patient.appointment_count", window={"amount": 3, "unit": "months"})
    assert count == int(counts)


@pytest.mark.parametrize(("start", "counts"), [(-2, False), (-1, True), (0, True), (1, False)])
def test_the_last_two_hours_are_elapsed_time(patient, start, counts):
    make_visit(patient, starts_at=NOON + timedelta(hours=start))
    count = of_patient(patient, "patient.appointment_count", window={"amount": 2, "unit": "hours"})
    assert count == int(counts)


def test_no_visits_are_zero_not_unknown(patient):
    assert of_patient(patient, "patient.appointment_count") == 0
    assert of_patient(patient, "patient.no_show_count") == 0
    assert of_patient(patient, "patient.last_appointment_at") is None
    assert of_patient(patient, "patient.next_appointment_at") is None


def test_counts_leave_out_cancelled_and_wrong_ones_unless_asked(patient):
    day = NOON - timedelta(days=5)
    for status in Appointment.Status.values:
        make_visit(patient, status, starts_at=day)
    assert of_patient(patient, "patient.appointment_count") == 5
    assert of_patient(patient, "patient.appointment_count", statuses=["cancelled"]) == 1
    assert of_patient(patient, "patient.appointment_count", statuses=["cancelled", "completed"]) == 2
    assert of_patient(patient, "patient.no_show_count") == 1
    assert of_patient(patient, "patient.no_show_count", window={"amount": 4, "unit": "days"}) == 0


def test_counts_by_service(patient):
    day = NOON - timedelta(days=5)
    follow_up = make_service(patient.clinic, "follow-up")
    make_visit(patient, starts_at=day)
    make_visit(patient, starts_at=day, service=follow_up)
    make_visit(patient, starts_at=day, service=follow_up)
    assert of_patient(patient, "patient.appointment_count", services=["follow-up"]) == 2
    assert of_patient(patient, "patient.appointment_count", services=["follow-up", "initial-evaluation"]) == 3
    assert of_patient(patient, "patient.appointment_count", services=["massage"]) == 0


def test_last_is_up_to_now_and_next_is_after_it(patient):
    for days, status in ((-9, "completed"), (-3, "cancelled"), (0, "booked"), (2, "cancelled"), (4, "confirmed")):
        make_visit(patient, status, starts_at=NOON + timedelta(days=days))
    assert of_patient(patient, "patient.last_appointment_at") == "2026-05-31T09:00:00+00:00"
    assert of_patient(patient, "patient.last_appointment_at", statuses=["completed"]) == "2026-05-22T09:00:00+00:00"
    assert of_patient(patient, "patient.next_appointment_at") == "2026-06-04T09:00:00+00:00"
    assert of_patient(patient, "patient.next_appointment_at", statuses=["cancelled"]) == "2026-06-02T09:00:00+00:00"
    assert of_patient(patient, "patient.next_appointment_at", services=["massage"]) is None


@pytest.mark.parametrize("status", ["completed", "no_show", "cancelled", "entered_in_error"])
def test_what_is_over_is_not_next(patient, status):
    make_visit(patient, status, starts_at=NOON + timedelta(days=1))
    assert of_patient(patient, "patient.next_appointment_at") is None


def test_facts_of_an_event_are_as_of_its_moment(patient):
    """A fired import tells of old visits: what came later must not be seen from there."""
    early = make_visit(patient, "booked", starts_at=at("2020-03-01T10:00:00+02:00"))
    make_visit(patient, "completed", starts_at=at("2021-03-01T10:00:00+02:00"))
    services.complete(early, occurred_at=at("2020-03-01T10:45:00+02:00"))
    assert of_event("appointment.completed", "patient.appointment_count") == 1
    assert of_event("appointment.completed", "patient.last_appointment_at") == "2020-03-01T08:00:00+00:00"
    assert of_event("appointment.completed", "patient.next_appointment_at") is None  # what is completed is not ahead
