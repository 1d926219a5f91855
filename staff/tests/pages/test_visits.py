"""Visits on the staff's pages: the calendar, one visit, and its life-cycle's buttons."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from appointments import services
from appointments.tests.builders import acting, make_visit, service_of
from automations.matcher import match_batch
from automations.tests.builders import published
from clinic import clock
from clinic.clock import now
from staff.tests.pages.visiting import TEN, day, do, shown
from tests.cast import make_member

pytestmark = pytest.mark.usefixtures("a_week_before")


# --- the calendar ---


def test_a_day_has_a_column_for_each_specialist(patient, specialist, as_front_desk):
    make_member(patient.clinic, "specialist", "dr-pop", "Dr. Pop")
    make_visit(patient, starts_at=TEN, specialist=specialist, location="Room 2")
    make_visit(patient, starts_at=TEN + timedelta(hours=2))

    html = shown(as_front_desk)

    assert "Monday, Dec. 7, 2026" in html
    columns = [html.index(f">{name} <span") for name in ("Dr. Ioana Ionescu", "Dr. Pop", "No specialist yet")]
    assert columns == sorted(columns)
    assert ("10 a.m." in html, "noon" in html, "Room 2" in html) == (True, True, True)
    assert html.count(">No visits<") == 1
    assert f'href="{reverse("staff:visit-new")}?starts_at=2026-12-07T09:00&amp;specialist={specialist.pk}"' in html


def test_a_week_has_a_column_for_each_day_from_the_clinics_first(patient, clinic, as_front_desk):
    make_visit(patient, starts_at=TEN)
    clinic.week_start = 6
    clinic.save()

    html = shown(as_front_desk, view="week")

    days = [html.index(f">{name}</a>") for name in ("Sunday", "Monday", "Tuesday", "Saturday")]
    assert days == sorted(days)
    assert "Dec. 6, 2026 to Dec. 12, 2026" in html
    assert html.count("Maria Marin</a>") == 1


def test_the_days_end_is_the_clinics_midnight(patient, as_front_desk):
    make_visit(patient, starts_at=datetime(2026, 12, 7, 21, 59, tzinfo=UTC))
    make_visit(patient, starts_at=datetime(2026, 12, 7, 22, 0, tzinfo=UTC))

    assert shown(as_front_desk).count('class="list-group-item visit"') == 1


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({}, 2),
        ({"status": "all"}, 4),
        ({"status": "cancelled"}, 1),
        ({"status": "nonsense"}, 2),
        ({"specialist": "dr-ionescu"}, 1),
        ({"specialist": "none"}, 1),
        ({"specialist": "nobody-here"}, 0),
        ({"date": "not a day"}, 0),
    ],
)
def test_the_list_is_filtered(patient, specialist, as_front_desk, asked, count):
    make_visit(patient, starts_at=TEN, specialist=specialist)
    make_visit(patient, "confirmed", starts_at=TEN)
    make_visit(patient, "cancelled", starts_at=TEN)
    make_visit(patient, "entered_in_error", starts_at=TEN)

    assert shown(as_front_desk, **asked).count('<li class="list-group-item visit') == count


def test_an_empty_day_has_one_button(clinic, as_front_desk):
    html = shown(as_front_desk)
    assert "No visits on this day." in html
    assert html.count(f'href="{reverse("staff:visit-new")}"') == 2  # above the list, and in the empty state


def test_the_list_is_recorded_with_the_patients_it_showed(patient, as_front_desk):
    make_visit(patient, starts_at=TEN)
    shown(as_front_desk)
    entry = AuditEntry.objects.get(action="appointment.listed")
    assert (entry.clinic_id, entry.detail) == (patient.clinic_id, {"patients": [patient.pk]})


@pytest.mark.parametrize("view", ["day", "week"])
def test_the_list_takes_as_many_queries_for_much_as_for_little(
    patient, specialist, as_front_desk, view, django_assert_num_queries
):
    address, query = day(view=view)
    make_visit(patient, "completed", starts_at=TEN, specialist=specialist)
    as_front_desk.get(address, query)
    for number in range(8):
        member = make_member(patient.clinic, "specialist", f"dr-{number}", f"Dr. {number}")
        make_visit(patient, "completed", starts_at=TEN + timedelta(minutes=number), specialist=member)
    with django_assert_num_queries(8):
        as_front_desk.get(address, query)


def test_another_clinics_visits_are_not_in_the_list(patient, as_stranger):
    make_visit(patient, starts_at=TEN)
    assert "Maria" not in shown(as_stranger)


# --- one visit ---


def test_a_visit_shows_its_state_its_series_and_its_history(patient, specialist, front_desk, as_front_desk):
    with acting(front_desk):
        series = services.book_series(
            clinic=patient.clinic,
            patient=patient,
            service=service_of(patient.clinic),
            starts=[TEN + timedelta(weeks=n) for n in range(3)],
            specialist=specialist,
            name="Back school",
        )
        visit = series.appointments.get(series_position=2)
        services.cancel(visit, reason="Holidays")

    html = as_front_desk.get(reverse("staff:visit", args=[visit.pk])).content.decode()

    assert "visit 2 of 3" in html
    assert "Back school" in html
    assert "booked in a series" in html
    assert "Holidays" in html
    assert html.count("Felix Front</span>") == 2
    assert "No rule has planned anything." in html
    assert AuditEntry.objects.filter(action="appointment.read", patient_id=patient.pk).count() == 1


def test_the_page_of_a_visit_takes_as_many_queries_for_much_as_for_little(
    patient, front_desk, as_specialist, django_assert_num_queries
):
    with acting(front_desk):
        series = services.book_series(
            clinic=patient.clinic,
            patient=patient,
            service=service_of(patient.clinic),
            starts=[TEN + timedelta(weeks=n) for n in range(20)],
        )
        visit = series.appointments.get(series_position=1)
        for _again in range(5):
            services.cancel(visit)
            services.undo(visit)
    address = reverse("staff:visit", args=[visit.pk])
    as_specialist.get(address)
    with django_assert_num_queries(13):
        as_specialist.get(address)


def test_what_a_rule_planned_stands_there_and_is_struck_when_the_visit_is_cancelled(patient, clinic, as_front_desk):
    later = {"type": "jot", "title": "Remind", "timing": {"mode": "delay", "amount": 2, "unit": "days"}}
    published(clinic, "appointment.booked", later, name="Remind them")
    visit = make_visit(patient)
    match_batch()
    address = reverse("staff:visit", args=[visit.pk])
    html = as_front_desk.get(address).content.decode()
    assert ("Remind them" in html, 'class="struck"' in html) == (True, False)

    services.cancel(visit)
    match_batch()
    html = as_front_desk.get(address).content.decode()
    assert html.count('class="struck"') == 1


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("confirm", "booked", "confirmed"),
        ("start", "confirmed", "in_progress"),
        ("complete", "in_progress", "completed"),
        ("no_show", "booked", "no_show"),
        ("cancel", "confirmed", "cancelled"),
    ],
)
def test_the_front_desk_leads_a_visit_through_its_life(patient, as_front_desk, verb, before, after):
    visit = make_visit(patient, before)
    do(as_front_desk, visit, verb, reason="Because")
    visit.refresh_from_db()
    assert visit.status == after


def test_what_is_over_says_how_long_it_can_be_undone_and_is(patient, as_front_desk):
    visit = make_visit(patient, "confirmed", starts_at=now() + timedelta(minutes=5))
    home = reverse("staff:home")

    html = do(as_front_desk, visit, "complete", next=home).content.decode()
    assert "Completed. What the patient is told waits 60 seconds; until then this can be undone." in html
    assert reverse("staff:visit-move", args=[visit.pk, "undo"]) in html

    html = do(as_front_desk, visit, "undo", next=home).content.decode()
    assert "Taken back." in html
    visit.refresh_from_db()
    assert visit.status == "confirmed"


def test_a_late_undo_is_refused_with_words(patient, as_front_desk):
    visit = make_visit(patient)
    do(as_front_desk, visit, "complete")
    clock.advance_by(timedelta(seconds=61))
    html = do(as_front_desk, visit, "undo").content.decode()
    assert "The time to take this back is over." in html
    visit.refresh_from_db()
    assert visit.status == "completed"


def test_an_impossible_move_is_told_and_changes_nothing(patient, as_front_desk):
    visit = make_visit(patient, "cancelled")
    html = do(as_front_desk, visit, "complete").content.decode()
    assert "Appointment is cancelled; it cannot become completed from there." in html
    visit.refresh_from_db()
    assert visit.status == "cancelled"


@pytest.mark.parametrize(("verb", "after"), [("reopen", "booked"), ("enter_in_error", "entered_in_error")])
def test_corrections_are_for_those_who_care_for_patients(patient, as_front_desk, as_specialist, verb, after):
    visit = make_visit(patient, "completed")
    html = as_front_desk.get(reverse("staff:visit", args=[visit.pk])).content.decode()
    assert reverse("staff:visit-move", args=[visit.pk, verb]) not in html
    assert "This takes the role" in do(as_front_desk, visit, verb).content.decode()
    visit.refresh_from_db()
    assert visit.status == "completed"

    do(as_specialist, visit, verb, reason="A slip")
    visit.refresh_from_db()
    assert visit.status == after


def test_an_unknown_verb_is_not_found(patient, as_front_desk):
    visit = make_visit(patient)
    assert do(as_front_desk, visit, "eat").status_code == 404
    assert as_front_desk.get(reverse("staff:visit-move", args=[visit.pk, "confirm"])).status_code == 405
