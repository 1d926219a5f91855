"""What messages say about a visit."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from appointments import services
from appointments.tests.builders import at, make_visit, service_of
from messaging.variables import MessageContext, variables
from patients.staffing import specialists_for

pytestmark = pytest.mark.django_db
NAMES = ("appointment.starts_at", "appointment.location", "appointment.join_url")


class Reader:
    """Somebody who reads a message."""

    language = "en"
    name = "Maria"

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)


def context(patient, visit_id, zone="Europe/Bucharest", kind="appointment"):
    return MessageContext(
        clinic=patient.clinic, patient=patient, recipient=Reader(zone), subject_type=kind, subject_id=visit_id
    )


def test_the_time_is_told_in_the_readers_zone(patient):
    visit = make_visit(patient, starts_at=at("2026-11-30T09:00:00+02:00"), location="Room 2")
    here, away = variables.values(NAMES, [context(patient, visit.pk), context(patient, visit.pk, "America/New_York")])
    assert here["appointment"]["location"] == "Room 2"
    assert here["appointment"]["join_url"] == ""
    assert "30 November 2026" in here["appointment"]["starts_at"].replace("November 30,", "30 November")
    assert "9:00" in here["appointment"]["starts_at"]
    assert "2:00" in away["appointment"]["starts_at"]
    assert "Eastern Standard Time" in away["appointment"]["starts_at"]


def test_a_moved_visit_is_told_as_it_is_now(patient):
    visit = make_visit(patient, starts_at=at("2026-11-30T09:00:00+02:00"))
    visit.starts_at = at("2026-12-01T11:30:00+02:00")
    visit.save()
    (told,) = variables.values(NAMES, [context(patient, visit.pk)])
    assert "11:30" in told["appointment"]["starts_at"]


def test_a_message_about_something_else_or_somebody_elses_visit_has_no_words_for_it(patient, stranger_patient):
    theirs = make_visit(stranger_patient)
    mine = make_visit(patient)
    contexts = [context(patient, theirs.pk), context(patient, mine.pk, kind="form"), context(patient, None)]
    assert [told["appointment"] for told in variables.values(NAMES, contexts)] == [{}, {}, {}]


def test_a_batch_takes_one_query(patient, django_assert_num_queries):
    visits = [make_visit(patient) for _ in range(5)]
    contexts = [context(patient, visit.pk) for visit in visits]
    with django_assert_num_queries(1):
        variables.values(NAMES, contexts)


def test_a_step_about_a_visit_goes_to_its_specialist(patient, specialist):
    class Step:
        id, patient_id, subject_type = 1, patient.pk, "appointment"
        subject_id = make_visit(patient, specialist=specialist).pk

    assert specialists_for([Step()]) == {1: (specialist, "")}


def test_a_message_about_a_series_can_name_all_its_times(patient, django_assert_num_queries):
    starts = [at("2026-12-14T09:00:00+02:00"), at("2026-11-30T09:00:00+02:00"), at("2026-12-07T09:00:00+02:00")]
    series = services.book_series(
        clinic=patient.clinic, patient=patient, service=service_of(patient.clinic), starts=starts
    )
    first, second, _third = series.appointments.order_by("starts_at")
    services.cancel(second)
    alone = make_visit(patient)
    with django_assert_num_queries(2):
        told, other = variables.values(
            ("appointment.series_times",), [context(patient, first.pk), context(patient, alone.pk)]
        )
    lines = told["appointment"]["series_times"].splitlines()
    assert ["30" in lines[0], "14" in lines[1], len(lines)] == [True, True, 2]
    assert other["appointment"]["series_times"] == ""
