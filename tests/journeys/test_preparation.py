"""Recipe "appointment-preparation": a visit is confirmed."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from django.test import Client

from accounts.services import update_clinic
from appointments import services as visits
from clinic.db import silently
from forms_app.models import FormRequest, FormResponse
from forms_app.tests.builders import born
from messaging.models import Delivery, Notification
from patients import services as patients
from tests.journeys.story import Story, last_sunday

SLUG = "appointment-preparation"
FORM = (0, "09:00", "maria", "North Clinic: a form for you")
GUIDE = (0, "09:00", "maria", "How to prepare for the visit")
DONE = [("a1", "done", ""), ("a2", "done", ""), ("a3", "done", "")]


@pytest.fixture
def story(story):
    story.install(SLUG)
    return story


def confirmed(story, patient, day=5, at="10:00", **fields):
    """Book a visit and confirm it."""
    return visits.confirm(story.book(patient, day, at, **fields))


def test_what_waits_for_the_morning_leaves_at_once_when_the_visit_moves_before_it(story, patient):
    update_clinic(story.clinic, quiet_start=time(20), quiet_end=time(8))
    story.walk(0, "22:00")
    visit = confirmed(story, patient)
    story.walk(0, "22:05")
    assert {row.state for row in Delivery.objects.all()} == {"queued"}
    visits.reschedule(visit, starts_at=story.moment(1, "07:00"))
    story.walk(2, "12:00")
    assert story.arrived() == [(0, "22:05", "North Clinic"), (0, "22:05", GUIDE[-1])]


def test_what_waits_for_the_morning_does_not_leave_after_a_visit_that_moved_into_the_past(story, patient):
    update_clinic(story.clinic, quiet_start=time(20), quiet_end=time(8))
    story.walk(0, "22:00")
    visit = confirmed(story, patient, day=2)
    story.walk(0, "22:05")
    visits.reschedule(visit, starts_at=story.moment(0, "22:00"))
    story.walk(2, "12:00")
    assert story.mails() == []
    assert [(row.state, row.reason) for row in Delivery.objects.all()] == [("suppressed", "too_late")] * 2


def test_a_confirmed_visit_brings_a_questionnaire_a_guide_and_word_to_the_specialist(story, patient, specialist):
    confirmed(story, patient, specialist=specialist, location="Room 2")
    story.walk(0, "09:05")
    assert story.mails() == [FORM, GUIDE]
    assert story.steps(SLUG) == DONE
    assert story.forms() == [("pre-appointment-questionnaire", "required")]
    assert story.told(specialist) == ["Maria Marin is coming"]
    assert "Where: Room 2" in story.text_of(1)


def test_the_questionnaire_is_due_a_day_before_the_visit(story, patient, specialist):
    confirmed(story, patient)
    story.walk(0, "09:05")
    assert story.local(FormRequest.objects.get().due_at) == (4, "10:00")


def test_a_day_before_is_a_day_of_the_calendar_when_the_clocks_change(clinic, mailbox, patient, admin):
    for month in (3, 10):
        story = Story(clinic, mailbox, last_sunday(month) - timedelta(days=6))
        story.install(SLUG)
        confirmed(story, patient, day=6)
        story.walk(0, "09:05")
        assert story.local(FormRequest.objects.latest("pk").due_at) == (5, "10:00")


def test_the_specialist_is_linked_to_the_patients_summary(story, patient, specialist, as_specialist):
    confirmed(story, patient, specialist=specialist)
    story.walk(0, "09:05")
    note = Notification.objects.get(recipient=specialist)
    assert (note.link_kind, note.link_id) == ("patient_summary", patient.pk)
    assert "Maria Marin" in as_specialist.get(f"/staff/patients/{patient.pk}/summary/").content.decode()


def test_without_a_specialist_the_clinic_admins_are_told(story, patient, admin):
    confirmed(story, patient)
    story.walk(0, "09:05")
    assert story.told(admin) == ["Maria Marin is coming"]


def test_the_patient_answers_from_the_link_in_the_mail(story, patient, specialist):
    confirmed(story, patient, specialist=specialist)
    story.walk(0, "09:05")
    page = f"{story.link_in(0)}{FormRequest.objects.get().pk}/"
    given = {"q-reason": "My knee", "q-pain": "6", "signed_by": "Maria Marin", "relation": "self", "version": "1"}
    browser = Client()
    browser.post(story.link_in(0), born(patient))
    assert browser.post(page, given | {"action": "sign"}).status_code == 303
    assert story.forms() == [("pre-appointment-questionnaire", "submitted")]
    assert FormResponse.objects.get().answers["pain"] == 6


def test_in_a_series_only_the_first_visit_is_prepared(story, patient, specialist):
    starts = [story.moment(day, "10:00") for day in (5, 12, 19)]
    series = visits.book_series(
        clinic=story.clinic, patient=patient, service=story.service(), starts=starts, specialist=specialist
    )
    for visit in series.appointments.order_by("series_position"):
        visits.confirm(visit)
    story.walk(1, "09:00")
    assert story.mails() == [FORM, GUIDE]
    assert story.steps(SLUG) == DONE


def test_each_visit_outside_a_series_is_prepared(story, patient, specialist):
    confirmed(story, patient, 5, specialist=specialist)
    confirmed(story, patient, 7, specialist=specialist)
    story.walk(1, "09:00")
    assert len(story.forms()) == 2
    assert story.steps(SLUG) == DONE * 2


def test_when_the_visit_moves_the_questionnaire_is_due_a_day_before_the_new_time(story, patient, specialist):
    visit = confirmed(story, patient, specialist=specialist)
    story.walk(1, "09:00")
    visits.reschedule(visit, starts_at=story.moment(9, "15:00"))
    story.walk(2, "09:00")
    assert story.local(FormRequest.objects.get().due_at) == (8, "15:00")
    assert story.mails() == [FORM, GUIDE]


def test_when_the_visit_is_cancelled_the_questionnaire_is_void(story, patient, specialist):
    visit = confirmed(story, patient, specialist=specialist)
    story.walk(1, "09:00")
    visits.cancel(visit)
    assert story.forms() == [("pre-appointment-questionnaire", "voided")]
    browser = Client()
    opened = browser.post(story.link_in(0), born(patient), follow=True)
    assert "There is nothing for you to fill in right now." in opened.content.decode()
    assert browser.get(f"{story.link_in(0)}{FormRequest.objects.get().pk}/").status_code == 410


def test_confirmed_on_the_last_day_the_questionnaire_is_due_when_the_visit_starts(story, patient, specialist):
    confirmed(story, patient, 0, "15:00", specialist=specialist)
    story.walk(0, "09:05")
    assert story.local(FormRequest.objects.get().due_at) == (0, "15:00")


# --- where nothing may happen ---


def test_a_visit_that_is_only_booked_is_not_prepared(story, patient, specialist):
    story.book(patient, 5, "10:00", specialist=specialist)
    story.walk(6, "09:00")
    story.assert_nothing_happened(SLUG)


def test_a_later_visit_of_a_series_is_not_prepared(story, patient, specialist):
    starts = [story.moment(day, "10:00") for day in (5, 12)]
    series = visits.book_series(
        clinic=story.clinic, patient=patient, service=story.service(), starts=starts, specialist=specialist
    )
    visits.confirm(series.appointments.get(series_position=2))
    story.walk(13, "09:00")
    story.assert_nothing_happened(SLUG)


def test_a_visit_confirmed_after_its_time_is_not_prepared(story, patient, specialist):
    visit = story.book(patient, 1, "10:00", specialist=specialist)
    story.walk(2, "09:00")
    visits.confirm(visit)
    story.walk(6, "09:00")
    story.assert_nothing_happened(SLUG)


def test_a_visit_completed_without_being_confirmed_is_not_prepared(story, patient, specialist):
    visits.complete(story.book(patient, 5, "10:00", specialist=specialist))
    story.walk(6, "09:00")
    story.assert_nothing_happened(SLUG)


def test_a_visit_reopened_as_confirmed_is_not_prepared_again(story, patient, specialist):
    visit = confirmed(story, patient, specialist=specialist)
    story.walk(1, "09:00")
    visits.reopen(visits.cancel(visit), to="confirmed")
    story.walk(6, "09:00")
    assert story.mails() == [FORM, GUIDE]
    assert story.steps(SLUG) == DONE


def test_two_clicks_on_confirm_prepare_once(story, patient, specialist):
    visits.confirm(confirmed(story, patient, specialist=specialist))
    story.walk(6, "09:00")
    assert story.mails() == [FORM, GUIDE]
    assert story.steps(SLUG) == DONE


def test_a_visit_cancelled_before_anybody_looked_prepares_nothing(story, patient, specialist):
    visits.cancel(confirmed(story, patient, specialist=specialist))
    story.walk(6, "09:00")
    assert {state for _, state, _ in story.steps(SLUG)} == {"cancelled"}
    assert story.forms() == []
    assert story.told(specialist) == []
    assert Delivery.objects.count() == 0
    assert story.mails() == []


def test_a_silent_confirmation_prepares_nothing(story, patient, specialist):
    with silently("import"):
        confirmed(story, patient, specialist=specialist)
    story.walk(6, "09:00")
    story.assert_nothing_happened(SLUG)


def test_a_patient_who_left_is_not_prepared(story, patient, specialist):
    confirmed(story, patient, specialist=specialist)
    patients.archive(patient)
    story.walk(6, "09:00")
    assert {state for _, state, _ in story.steps(SLUG)} == {"cancelled"}
    assert story.forms() == []
    assert story.mails() == []
