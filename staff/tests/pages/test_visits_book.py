"""Booking on a page: who is found, what stands in the way, one visit and a whole series."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from appointments.models import Appointment, Series
from appointments.tests.builders import make_service, make_visit, service_of
from automations.models import Event
from clinic import clock
from forms_app.tests.builders import ask, make_template
from messaging.models import Delivery

TEN = datetime(2026, 12, 7, 8, 0, tzinfo=UTC)  # Monday, ten o'clock in Bucharest
NEW = "/staff/visits/new/"


@pytest.fixture(autouse=True)
def _a_week_before(db):
    """Let the clock stand a week before these visits, whatever day it is: a visit in the past asks for a reason."""
    clock.begin_at(TEN - timedelta(days=7))


def form(patient, **given):
    fields = {"patient": patient.pk, "service": service_of(patient.clinic).pk, "starts_at": "2026-12-07T10:00"}
    return fields | {"times": 1, "weeks": 1} | given


# --- finding ---


def test_a_patient_is_found_and_leads_to_the_form(patient, as_front_desk):
    html = as_front_desk.get(NEW, {"q": "mar", "specialist": "7"}).content.decode()
    assert f'href="?patient={patient.pk}&amp;specialist=7"' in html
    assert AuditEntry.objects.get().action == "patient.listed"
    assert "No active patient fits this." in as_front_desk.get(NEW, {"q": "zz"}).content.decode()


def test_another_clinics_patients_are_not_found(patient, as_stranger):
    assert "Marin" not in as_stranger.get(NEW, {"q": "Maria"}).content.decode()


# --- booking ---


def test_a_visit_is_booked_in_the_clinics_time(patient, specialist, front_desk, as_front_desk):
    given = form(patient, specialist=specialist.pk, location="Room 2", join_url="https://meet.example/2")
    response = as_front_desk.post(NEW, given)

    visit = Appointment.objects.get()
    assert response["Location"] == reverse("staff:visit", args=[visit.pk])
    assert (visit.patient, visit.specialist, visit.starts_at, visit.minutes) == (patient, specialist, TEN, 45)
    assert (visit.location, visit.join_url, visit.status, visit.series) == (
        "Room 2",
        "https://meet.example/2",
        "booked",
        None,
    )
    entry = AuditEntry.objects.get(action="appointment.booked")
    assert (entry.actor_id, entry.detail) == (front_desk.user_id, {"status": "booked"})


def test_the_form_begins_with_the_patients_own_specialist(patient, specialist, as_front_desk):
    patient.specialist = specialist
    patient.save()
    html = as_front_desk.get(NEW, {"patient": patient.pk}).content.decode()
    assert f'<option value="{specialist.pk}" selected>Dr. Ioana Ionescu</option>' in html
    assert 'type="hidden" name="clash_reason"' in html
    assert "override_reason" not in html


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"starts_at": ""}, "starts_at"),
        ({"starts_at": "2027-03-28T03:30"}, "starts_at"),  # the night in which the clocks go forward
        ({"service": ""}, "service"),
        ({"minutes": "0"}, "minutes"),
        ({"times": "53"}, "times"),
        ({"join_url": "nonsense with blanks"}, "join_url"),
    ],
)
def test_a_wrong_form_comes_back_with_the_error_at_its_field(patient, as_front_desk, given, field):
    response = as_front_desk.post(NEW, form(patient, **given))
    assert response.status_code == 200
    assert f'id="error_1_id_{field}"' in response.content.decode()
    assert not Appointment.objects.exists()


def test_what_another_clinic_offers_cannot_be_booked(patient, stranger, other_clinic, as_front_desk):
    other = make_service(other_clinic)
    as_front_desk.post(NEW, form(patient, service=other.pk))
    as_front_desk.post(NEW, form(patient, specialist=stranger.pk))
    assert not Appointment.objects.exists()


def test_a_second_visit_at_that_time_needs_a_reason(patient, specialist, as_front_desk):
    make_visit(patient, starts_at=TEN + timedelta(minutes=15), specialist=specialist)

    html = as_front_desk.post(NEW, form(patient, specialist=specialist.pk)).content.decode()
    assert "The patient has a visit then already (Dec. 7, 2026, 10:15 a.m.)." in html
    assert '<input type="text" name="clash_reason"' in html
    assert Appointment.objects.count() == 1

    as_front_desk.post(NEW, form(patient, specialist=specialist.pk, clash_reason="Two in one"))
    assert Appointment.objects.count() == 2
    assert AuditEntry.objects.get(action="appointment.booked").detail["clash_reason"] == "Two in one"


@pytest.mark.parametrize(
    ("starts_at", "said"),
    [
        ("2026-11-28T10:00", "This lies in the past (Nov. 28, 2026, 10 a.m.)."),
        ("2062-12-07T10:00", "This is more than five years ahead (Dec. 7, 2062, 10 a.m.)."),
    ],
)
def test_an_odd_day_needs_a_reason(patient, as_front_desk, starts_at, said):
    html = as_front_desk.post(NEW, form(patient, starts_at=starts_at)).content.decode()
    assert said in html
    assert '<input type="text" name="clash_reason"' in html
    assert not Appointment.objects.exists()

    as_front_desk.post(NEW, form(patient, starts_at=starts_at, clash_reason="Forgotten"))
    assert Appointment.objects.count() == 1
    assert AuditEntry.objects.get(action="appointment.booked").detail["clash_reason"] == "Forgotten"


def test_a_visit_of_this_morning_is_booked_without_a_word(patient, as_front_desk):
    as_front_desk.post(NEW, form(patient, starts_at="2026-11-29T11:00"))
    assert Appointment.objects.count() == 1


def test_a_second_click_books_nothing(patient, as_front_desk):
    as_front_desk.post(NEW, form(patient))
    as_front_desk.post(NEW, form(patient))
    assert Appointment.objects.count() == 1


# --- blocking forms ---


@pytest.fixture
def blocking(patient):
    return ask(patient, make_template(patient.clinic), blocking=True)


def test_a_blocking_form_is_named_and_keeps_the_visit_from_being_booked(patient, blocking, as_front_desk):
    html = as_front_desk.get(NEW, {"patient": patient.pk}).content.decode()
    assert "This patient cannot be booked before these forms are signed:" in html
    assert f"Send again: {blocking.template}" in html

    html = as_front_desk.post(NEW, form(patient)).content.decode()
    assert "A form that blocks booking is still open." in html
    assert not Appointment.objects.exists()


def test_the_form_is_sent_again_from_there(patient, blocking, as_front_desk):
    here = f"{NEW}?patient={patient.pk}"
    response = as_front_desk.post(reverse("staff:form-move", args=[blocking.pk, "remind"]), {"next": here})
    assert response["Location"] == here
    assert Delivery.objects.get().patient == patient


def test_booking_all_the_same_needs_a_reason_and_is_kept(patient, blocking, as_front_desk):
    as_front_desk.post(NEW, form(patient, override_reason=" Signs on paper "))
    visit = Appointment.objects.get()
    entry = AuditEntry.objects.get(action="appointment.booked")
    assert entry.detail == {"status": "booked", "override_reason": "Signs on paper"}
    html = as_front_desk.get(reverse("staff:visit", args=[visit.pk])).content.decode()
    assert "Signs on paper" in html


def test_a_series_needs_the_reason_too(patient, blocking, as_front_desk):
    as_front_desk.post(NEW, form(patient, times=3))
    assert not Series.objects.exists()
    as_front_desk.post(NEW, form(patient, times=3, override_reason="Signs on paper"))
    assert Series.objects.get().appointments.count() == 3


# --- series ---


def test_ten_weeks_are_booked_at_once_at_the_same_time_on_the_wall(patient, as_front_desk):
    given = form(patient, starts_at="2027-03-01T10:00", times=10, name="Back school")
    html = as_front_desk.post(NEW, given, follow=True).content.decode()

    assert "10 visits are booked." in html
    series = Series.objects.get()
    rows = list(series.appointments.order_by("series_position").values_list("series_position", "starts_at"))
    assert (series.name, len(rows), rows[0]) == ("Back school", 10, (1, datetime(2027, 3, 1, 8, 0, tzinfo=UTC)))
    assert rows[4] == (5, datetime(2027, 3, 29, 7, 0, tzinfo=UTC))  # summer time has begun
    assert AuditEntry.objects.filter(action="series.booked").count() == 1
    assert Event.objects.filter(trigger="appointment.booked").count() == 10


def test_a_series_that_meets_other_visits_names_them(patient, as_front_desk):
    make_visit(patient, starts_at=TEN + timedelta(weeks=2))
    html = as_front_desk.post(NEW, form(patient, times=4, weeks=2)).content.decode()
    assert "Dec. 21, 2026, 10 a.m." in html
    assert Appointment.objects.count() == 1
    assert not Series.objects.exists()


# --- strangers ---


def test_a_strangers_patient_is_not_booked(patient, as_stranger):
    assert as_stranger.get(NEW, {"patient": patient.pk}).status_code == 404
    assert as_stranger.post(NEW, form(patient)).status_code == 404
    assert not Appointment.objects.exists()


def test_a_patient_who_left_is_not_booked(patient, as_front_desk):
    patient.status = "archived"
    patient.save()
    html = as_front_desk.post(NEW, form(patient)).content.decode()
    assert "This patient is not active; no visit can be booked." in html
    assert not Appointment.objects.exists()


def test_the_form_takes_as_many_queries_for_much_as_for_little(
    patient, specialist, as_front_desk, django_assert_num_queries
):
    as_front_desk.get(NEW, {"patient": patient.pk})
    for number in range(10):
        make_service(patient.clinic, f"service-{number}")
    with django_assert_num_queries(8):
        as_front_desk.get(NEW, {"patient": patient.pk})
