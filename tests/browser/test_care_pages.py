"""Plans, segments and messages in Chromium: prescribed on a phone, read in a frame, typed with a live preview."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.selectors import local_date
from clinic import clock
from messaging.models import Delivery
from messaging.services import Body, queue_email, save_template
from messaging.text import compose
from segments import services as segments
from segments.tests.builders import dynamic, manual, older_than
from tests.browser.test_rule_editor import assert_accessible
from treatments.models import TreatmentPlan
from treatments.tests.builders import make_plan, make_session, make_week

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


@pytest.fixture
def go(live_server):
    """Return a function that opens a page of the staff's, and makes sure that nothing is wider than the screen."""

    def open_at(page, name, *args, query=""):
        page.goto(live_server.url + reverse(f"staff:{name}", args=args) + query)
        fits(page)

    return open_at


def fits(page):
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def in_every_light(page, shoot, name):
    """Let axe look at it by night on a phone, and by day at a desk."""
    for size, scheme in ((PHONE, "dark"), (DESK, "light")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # nothing is halfway from one to the other
        fits(page)
        assert_accessible(page)
        shoot(f"{name}-{scheme}")


def test_a_specialist_prescribes_on_a_phone_and_logs_a_session(go, page, sign_in, as_specialist, patient, shoot):
    page = sign_in(as_specialist)
    page.set_viewport_size(PHONE)
    go(page, "plans")
    page.get_by_role("link", name="Prescribe a plan").click()
    page.get_by_role("searchbox").fill("maria")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Maria Marin").click()
    page.get_by_label("Name").fill("Knee")
    page.get_by_label("Exercise 1").fill("Squats")
    page.get_by_label("Times a week 1").fill("3")
    page.get_by_role("button", name="More exercises").click()
    page.get_by_label("Exercise 3").wait_for()
    page.get_by_label("Exercise 2").fill("Bridge")
    page.get_by_label("Times a week 2").fill("5")
    fits(page)
    page.get_by_role("button", name="Assign to the patient").click()
    page.wait_for_url("**/staff/plans/*/")
    expect(page.get_by_role("heading", name="Exercises · 8 sessions a week")).to_be_visible()

    page.get_by_text("Log a session for the patient").click()
    page.get_by_label("Pain, 0 to 10").select_option("4")
    page.get_by_role("button", name="Log it").click()
    page.get_by_text("4 of 10").wait_for()
    plan = TreatmentPlan.objects.get()
    assert (plan.status, plan.versions.get().exercises.count(), plan.sessions.get().pain) == ("active", 2, 4)
    go(page, "plan-new", query=f"?patient={patient.pk}")
    in_every_light(page, shoot, "plan-new")


def test_a_plan_with_its_chart_reads_well_everywhere(go, page, sign_in, as_specialist, patient, specialist, shoot):
    monday = local_date(patient.clinic, clock.now()) - timedelta(weeks=16)
    plan = make_plan(patient, 3, 2, name="Knee rehabilitation after an operation", specialist=specialist)
    for week in range(16):
        make_week(plan, (week * 3) % 5, first_on=monday + timedelta(weeks=week))
    for pain in (6, 3):
        make_session(plan, pain=pain, note="Stairs are hard." if pain == 6 else "")
    page = sign_in(as_specialist)
    go(page, "plan", plan.pk)
    in_every_light(page, shoot, "plan")
    page.get_by_text("The weeks as a table").click()
    expect(page.get_by_role("cell", name="0 %").first).to_be_visible()


def test_why_a_patient_is_not_in_a_segment(go, page, sign_in, as_admin, clinic, patient, shoot):
    segment = dynamic(clinic, older_than(90), "very-old")
    segments.add_member(manual(clinic), patient)
    page = sign_in(as_admin)
    go(page, "segments")
    in_every_light(page, shoot, "segments")
    page.get_by_role("link", name="Very-Old").click()
    page.get_by_role("link", name="Why is somebody in it, or not?").click()
    page.get_by_role("searchbox").fill("marin")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Maria Marin").click()
    expect(page.get_by_text("(was 69)")).to_be_visible()
    in_every_light(page, shoot, "segment-why")
    go(page, "segment", segment.pk)
    assert_accessible(page)


def test_a_template_is_read_as_a_patient_would_while_it_is_typed(go, page, sign_in, as_admin, clinic, patient, shoot):
    template = save_template(
        clinic=clinic, slug="hello", name="Hello", bodies=[Body("en", "Hello", "Dear {{ patient.given_name }}")]
    )
    page = sign_in(as_admin)
    page.set_viewport_size(DESK)
    go(page, "message-template", template.pk)
    page.get_by_role("searchbox").fill("marin")
    page.get_by_text("As Maria Marin would read it now.").wait_for()
    page.get_by_label("Text en").fill("Dear {{ patient.family_name }}, {{ appointment.starts_at }}")
    page.locator("#preview").get_by_text("Dear Marin, ⟦appointment.starts_at⟧").wait_for()
    frame = page.frame_locator("iframe[name=preview-frame]")
    frame.get_by_text("Dear Marin, ⟦appointment.starts_at⟧").wait_for()
    assert page.evaluate("history.length") == 2  # typing is no step back
    in_every_light(page, shoot, "message-template")
    page.get_by_label("Text en").fill("Dear {{ patient.family_name }}")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.", exact=False).wait_for()
    assert template.bodies.get().text == "Dear {{ patient.family_name }}"


def test_the_text_that_was_sent_is_shown_in_a_frame(go, page, sign_in, as_front_desk, patient, shoot):
    row = queue_email(clinic_id=patient.clinic_id, patient_id=patient.pk, category="transactional")
    said = compose(subject="Tomorrow", text="See you at nine.", language="en", clinic_name="North Clinic")
    kept = {"subject": said.subject, "body_text": said.text, "body_html": said.html, "language": "en"}
    kept |= {"state": "failed", "reason": "refused", "address": patient.email, "finished_at": clock.now()}
    Delivery.objects.filter(pk=row.pk).update(**kept)
    page = sign_in(as_front_desk)
    go(page, "messages")
    in_every_light(page, shoot, "messages")
    page.get_by_role("cell").get_by_role("link").first.click()
    frame = page.frame_locator("iframe.message-frame")
    frame.get_by_text("See you at nine.").wait_for()
    in_every_light(page, shoot, "message")
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("It is queued again.").wait_for()
