"""A patient's weeks with everything real: pages over HTTP, Celery workers, SMTP; only the clock is moved."""

from __future__ import annotations

from typing import Any

import pytest

from appointments.models import Appointment
from automations.models import Event, Step
from automations.recipes import slugs
from forms_app.models import FormRequest, FormResponse
from forms_app.tests.builders import born
from messaging.models import Delivery
from patients.models import Patient
from tests.cast import PASSWORD
from tests.journeys.browser import Browser
from tests.journeys.story import LiveStory, first_monday

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def story(live_server: Any, start_worker: Any, clinic: Any, mailbox: Any, settings: Any) -> LiveStory:
    """The clinic with every shipped rule on, an engine worker with beat and a deliver worker."""
    settings.PUBLIC_URL = live_server.url
    mail = {"TEST_EMAIL_HOST": "127.0.0.1", "TEST_EMAIL_PORT": str(mailbox.port)}
    start_worker("engine", PUBLIC_URL=live_server.url)
    start_worker("deliver", beat=False, PUBLIC_URL=live_server.url, **mail)
    story = LiveStory(clinic, mailbox, first_monday(2))
    story.install(*(slug for slug in slugs() if slug != "appointment-booked"))  # its mails are told of elsewhere
    return story


class Desk(Browser):
    """A person of the staff at the admin pages, signed in."""

    def __init__(self, base: str, member: Any) -> None:
        super().__init__(base)
        self.sign_in(member.user.username, PASSWORD)
        assert self.status == 200

    def register(self, **fields: str) -> Patient:
        """Fill in the form of a new patient."""
        self.open("/admin/patients/patient/add/").press("_save", **fields)
        return Patient.objects.get(email=fields["email"])

    def book(self, patient: Patient, service: Any, specialist: Any, day: str, at: str) -> Appointment:
        """Fill in the form of a new visit."""
        self.open("/admin/appointments/appointment/add/")
        starts = {"starts_at_0": day, "starts_at_1": at, "location": "Room 2"}
        ids = {"patient": str(patient.pk), "service": str(service.pk), "specialist": str(specialist.pk)}
        self.press("_save", **ids, **starts)
        assert "/add/" not in self.url, self.text
        return Appointment.objects.latest("pk")

    def press_on_visit(self, visit: Appointment, verb: str, **fields: str) -> None:
        """Open a visit and press one of its buttons."""
        self.open(f"/admin/appointments/appointment/{visit.pk}/change/")
        assert self.status == 200
        self.press(verb if verb == "_save" else f"appointments_appointment_press_{verb}", **fields)
        assert self.status == 200

    def release_summary(self, visit: Appointment, text: str) -> None:
        """Write the summary of a visit and release it."""
        self.open("/admin/appointments/visitsummary/add/").press("_save", appointment=str(visit.pk), text=text)
        summary = visit.summaries.get()
        self.open(f"/admin/appointments/visitsummary/{summary.pk}/change/")
        self.press("appointments_visitsummary_press_release")
        assert visit.summaries.get().status == "released"


def fill(base: str, address: str, **answers: str) -> str:
    """Open a link of a mail and sign or submit every form that it lists; return what the page then says."""
    browser = Browser(base)
    browser.open(address)
    browser.press("action", "open", **born(Patient.objects.get()))
    for request in FormRequest.objects.filter(status="required").order_by("pk"):
        browser.open(address)
        assert f"/{request.pk}/" in browser.text
        browser.open(f"{address}{request.pk}/")
        browser.press("action", "sign", agree="yes", signed_by="Maria Marin", **answers)
        assert browser.status == 200
    return browser.text


def test_a_patients_first_weeks(story, live_server, front_desk, specialist, admin):
    base = live_server.url
    desk, doctor = Desk(base, front_desk), Desk(base, specialist)
    maria = _onboarding(story, base, desk)
    visit = _preparation(story, base, desk, maria, specialist)
    _reminder_and_new_time(story, desk, visit)
    _follow_up(story, base, desk, doctor, visit)
    _cancellation(story, desk, maria, specialist)

    assert Event.objects.exclude(state="matched").count() == 0
    assert set(Step.objects.values_list("state", flat=True)) <= {"done", "cancelled", "skipped"}
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert len(set(story.mailbox.ids)) == len(story.mailbox.ids) == Delivery.objects.count()


def _onboarding(story: LiveStory, base: str, desk: Desk) -> Patient:
    maria = desk.register(given_name="Maria", family_name="Marin", email="maria@patients.example", language="en")
    story.settle()
    assert [status for _, status in story.forms()] == ["required", "required"]
    assert story.mails() == []  # the undo time runs
    story.walk(0, "09:10")
    assert [one[3] for one in story.mails()] == ["North Clinic: 2 forms for you", "Welcome to North Clinic"]
    assert "Thank you" in fill(base, story.link_in(0))
    assert [status for _, status in story.forms()] == ["signed", "signed"]
    return maria


def _preparation(story: LiveStory, base: str, desk: Desk, maria: Patient, specialist: Any) -> Appointment:
    story.service()
    day = story.moment(7, "10:00")
    visit = desk.book(maria, story.service(), specialist, f"{day:%Y-%m-%d}", "10:00")
    desk.press_on_visit(visit, "confirm")
    assert "press_confirm" not in desk.text
    story.walk(0, "09:20")
    assert [one[3] for one in story.mails()[2:]] == ["North Clinic: a form for you", "How to prepare for the visit"]
    assert story.told(specialist) == ["Maria Marin is coming"]
    assert story.local(FormRequest.objects.latest("pk").due_at) == (6, "10:00")
    assert "Thank you" in fill(base, story.link_in(2), **{"q-reason": "My knee", "q-pain": "6"})
    assert FormResponse.objects.latest("pk").answers["pain"] == 6
    return visit


def _reminder_and_new_time(story: LiveStory, desk: Desk, visit: Appointment) -> None:
    story.walk(6, "09:59")
    assert len(story.mails()) == 4
    story.walk(6, "10:00")
    assert story.arrived()[4:] == [(6, "10:00", "Reminder")]
    later = story.moment(9, "11:00")
    desk.press_on_visit(visit, "_save", starts_at_0=f"{later:%Y-%m-%d}", starts_at_1="11:00")
    story.walk(6, "10:10")
    assert [one[2] for one in story.arrived()[5:]] == ["New time"]
    story.walk(8, "10:59")
    assert len(story.mails()) == 6
    story.walk(8, "11:00")
    assert story.arrived()[6:] == [(8, "11:00", "Reminder")]


def _follow_up(story: LiveStory, base: str, desk: Desk, doctor: Desk, visit: Appointment) -> None:
    story.walk(9, "11:45")
    desk.press_on_visit(visit, "complete")
    story.walk(10, "11:44")
    assert len(story.mails()) == 7
    story.walk(10, "11:46")
    assert [one[2] for one in story.arrived()[7:]] == ["North Clinic"]
    assert "Thank you" in fill(base, story.link_in(7), **{"q-recommend": "9"})
    doctor.release_summary(visit, "Stronger than in autumn.")
    story.walk(10, "12:00")
    assert [one[2] for one in story.arrived()[8:]] == ["You have a message from North Clinic"]
    assert "Stronger" not in story.mailbox.taken[8].as_string()
    story.walk(23, "11:44")
    assert len(story.mails()) == 9
    story.walk(23, "11:46")
    assert [one[2] for one in story.arrived()[9:]] == ["Shall we go on?"]


def _cancellation(story: LiveStory, desk: Desk, maria: Patient, specialist: Any) -> None:
    day = story.moment(30, "10:00")
    visit = desk.book(maria, story.service(), specialist, f"{day:%Y-%m-%d}", "10:00")
    story.walk(24, "09:00")
    desk.press_on_visit(visit, "cancel", reason="Holidays")
    story.walk(24, "09:10")
    assert [one[2] for one in story.arrived()[10:]] == ["The visit is cancelled"]
    story.walk(40, "09:00")
    assert [one[2] for one in story.arrived()[10:]] == ["The visit is cancelled"]


def test_a_patient_with_nothing_to_hear_hears_nothing(patient, story, live_server, front_desk, specialist):
    desk = Desk(live_server.url, front_desk)
    visit = desk.book(
        patient, story.service("physiotherapy"), specialist, f"{story.moment(7, '10:00'):%Y-%m-%d}", "10:00"
    )
    story.settle()
    desk.press_on_visit(visit, "complete")
    story.walk(60, "09:00")
    # The cast's patient was there before the rules; the visit was neither confirmed nor an initial evaluation.
    for slug in ("appointment-preparation", "follow-up-initial-evaluation", "appointment-cancelled"):
        story.assert_nothing_happened(slug)
    assert story.steps("appointment-reminder-24h") == [("a1", "cancelled", "stopped")]
