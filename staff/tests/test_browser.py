"""The staff's pages in Chromium: a phone, the dark, right to left, and no JavaScript."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect

from appointments.models import Appointment, Service
from clinic.clock import now
from clinic.testing.browser import picture
from messaging.models import Notification
from treatments.services import record_pain
from treatments.tests.builders import make_plan, make_week
from worklist import services as worklist
from worklist.models import Task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "Donaudampfschifffahrtsgesellschaftskapitänswitwenrentenauszahlungsstelle"


@pytest.fixture
def phone(browser, live_server, as_front_desk):
    """A phone without JavaScript, in the dark, where the front desk is signed in."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark", java_script_enabled=False
    )
    session = as_front_desk.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    yield context.new_page()
    context.close()


@pytest.fixture
def records(patient, front_desk, specialist):
    service = Service.objects.create(clinic=patient.clinic, slug="eval", name="Initial Evaluation")
    for days, status in ((-3, "completed"), (4, "confirmed")):
        Appointment.objects.create(
            clinic=patient.clinic,
            patient=patient,
            service=service,
            specialist=specialist,
            status=status,
            starts_at=now() + timedelta(days=days),
        )
    Notification.objects.create(clinic=patient.clinic, patient=patient, recipient=front_desk, title=f"Look: {LONG}")
    plan = make_plan(patient, name=LONG, specialist=specialist)
    for weeks, pain in enumerate((7, 4, 2)):
        make_week(plan, weeks + 1, first_on=now().date() - timedelta(weeks=weeks))
        record_pain(clinic=patient.clinic, patient=patient, value=pain, measured_at=now() - timedelta(weeks=weeks))
    return worklist.create(
        clinic=patient.clinic, title="Call Maria", details=LONG, patient=patient, role="front_desk", priority="urgent"
    )


def fits(page):
    """Tell whether nothing is wider than the phone but the bar of pages, which scrolls by itself.

    (Measured from outside the page, which runs no script.)
    """
    boxes = [box for one in page.locator("body *:not(.bar *):visible").all() if (box := one.bounding_box()) is not None]
    assert len(boxes) > 20
    return all(box["x"] + box["width"] <= 390.5 and box["x"] >= -0.5 for box in boxes if box["y"] >= 0)


def test_a_task_is_claimed_and_done_on_a_phone_without_javascript(phone, live_server, records, front_desk):
    phone.goto(f"{live_server.url}/staff/")
    assert fits(phone)
    picture(phone, "home")

    phone.get_by_role("button", name="Claim: Call Maria").click()
    expect(phone.get_by_role("button", name="Claim: Call Maria")).to_have_count(0)
    phone.get_by_role("button", name="Done: Call Maria").click()

    expect(phone.get_by_text("No open tasks.")).to_be_visible()
    task = Task.objects.get(pk=records.pk)
    assert (task.status, task.assignee, task.finished_by) == ("done", front_desk, front_desk)


def test_a_notification_leads_to_the_summary_and_is_marked_as_read(phone, live_server, records, patient):
    phone.goto(f"{live_server.url}/staff/")
    phone.get_by_role("link", name=f"Look: {LONG}").click()

    assert phone.url == live_server.url + reverse("staff:patient-summary", args=[patient.pk])
    expect(phone.get_by_role("heading", name="Maria Marin")).to_be_visible()
    assert fits(phone)
    picture(phone, "summary")

    phone.goto(f"{live_server.url}/staff/")
    phone.get_by_role("button", name=f"Mark as read: Look: {LONG}").click()
    expect(phone.get_by_text("Nothing new.")).to_be_visible()


def test_the_summary_reads_from_right_to_left(phone, live_server, records, patient, monkeypatch):
    monkeypatch.setattr(settings, "STAFF_LANGUAGES", ["en", "ar"])
    phone.context.add_cookies([{"name": "django_language", "value": "ar", "url": live_server.url}])
    phone.goto(live_server.url + reverse("staff:patient-summary", args=[patient.pk]))

    assert phone.locator("html").get_attribute("dir") == "rtl"
    assert fits(phone)
    picture(phone, "rtl")


def test_the_page_is_dark_in_the_dark_and_light_in_the_light(page, live_server, as_front_desk, records, patient):
    session = as_front_desk.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    page.goto(live_server.url + reverse("staff:patient-summary", args=[patient.pk]))

    colours = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert colours == {"light": "rgb(255, 255, 255)", "dark": "rgb(33, 37, 41)"}
