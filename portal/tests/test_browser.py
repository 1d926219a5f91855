"""A patient on a phone, in real Chromium: 390 px, touch, light and dark; the link of a mail, and the portal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from playwright.sync_api import expect

from appointments import services as visits
from appointments.tests.builders import make_visit
from clinic import clock
from clinic.testing.browser import picture
from forms_app.models import FormRequest, FormResponse, SignatureDrawing
from forms_app.tests.builders import ask, make_template
from messaging.delivery import drain_due
from messaging.models import Notification
from messaging.services import queue_email
from patients.grants import grant_access
from patients.library import add_item
from patients.models import Consent
from treatments.models import ExerciseSession
from treatments.tests.builders import make_plan

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LIGHTEST = 150_000


@pytest.fixture
def phone(browser: Any, live_server: Any, settings: Any) -> Any:
    """A phone of 390 px with touch; what it asks of other machines, and what the policy refuses, fails the test."""
    settings.PUBLIC_URL = live_server.url
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    complaints: list[str] = []
    page = context.new_page()
    page.on(
        "request",
        lambda one: None if one.url.startswith((live_server.url, "data:", "blob:")) else complaints.append(one.url),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda one: complaints.append(one.text) if "Content Security" in one.text else None)
    yield page
    context.close()
    assert complaints == []


def link_of_mail() -> str:
    drain_due()
    return next(word for word in mail.outbox[-1].body.split() if word.startswith("http"))


def looks_right(page: Any, name: str) -> None:
    """Look at the page in light and in dark: nothing serious for axe, nothing cut off, no target under 44 px."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        bad = [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]
        assert not bad, (name, bad)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        assert page.evaluate(SMALL) == [], name
        picture(page, f"patient-{name}-{scheme}")
    page.emulate_media(color_scheme="light")
    assert page.evaluate(WEIGHT) <= LIGHTEST, name


SMALL = """() => {
  const inputs = "input:not([type=hidden]):not([type=radio]):not([type=checkbox])";
  return [...document.querySelectorAll(`button, a, ${inputs}, textarea, label.option, summary`)]
    .filter((e) => e.getClientRects().length && !e.matches(".skip") && !e.closest("[role=alert], footer"))
    .filter((e) => e.getBoundingClientRect().height < 43.5).map((e) => e.outerHTML.slice(0, 90));
}"""

WEIGHT = """() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .reduce((sum, one) => sum + one.encodedBodySize, 0)"""


def test_from_the_mail_to_the_receipt(phone: Any, patient: Any) -> None:
    questions = [
        {"id": "smoker", "type": "boolean", "text": "Do you smoke?", "required": True},
        {
            "id": "since", "type": "text", "text": "Since when?", "required": True,
            "show_when": {"question": "smoker", "op": "is", "value": True},
        },
    ]  # fmt: skip
    ask(patient, make_template(patient.clinic, "privacy", "consent", text="I agree to this.", questions=questions))
    queue_email(clinic_id=patient.clinic_id, patient_id=patient.pk, category="transactional", purpose="forms")
    phone.goto(link_of_mail())
    looks_right(phone, "gate")
    for name, typed in (("Day", "1"), ("Month", "3"), ("Year", "1957")):
        phone.get_by_label(name).fill(typed)
    phone.get_by_role("button", name="Open").tap()
    phone.get_by_text("Tries left: 4").wait_for()
    for name, typed in (("Day", "2"), ("Month", "3"), ("Year", "1957")):
        phone.get_by_label(name).fill(typed)
    phone.get_by_role("button", name="Open").tap()
    phone.get_by_role("link", name="Privacy").tap()
    expect(phone.get_by_label("Since when?")).to_be_hidden()
    phone.get_by_label("Yes").check()
    phone.get_by_label("Since when?").fill("1990")
    phone.get_by_label("I have read this and I agree.").check()
    draw(phone)
    looks_right(phone, "fill")
    phone.get_by_role("button", name="Sign", exact=True).tap()
    phone.get_by_role("status").wait_for()
    looks_right(phone, "signed")
    with phone.expect_download() as saved:
        phone.get_by_role("link", name="Keep a receipt (PDF)").tap()
    assert saved.value.suggested_filename.startswith("privacy-")
    response = FormResponse.objects.get()
    assert (response.signed_by, response.answers) == ("Maria Marin", {"smoker": True, "since": "1990"})
    assert bytes(SignatureDrawing.objects.get().png)[:4] == b"\x89PNG"
    assert FormRequest.objects.get().status == "signed"


def draw(page: Any) -> None:
    """Draw a zigzag with a finger that is a mouse here."""
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 60)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(box["x"] + 30 + 30 * step, box["y"] + (120 if step % 2 else 40), steps=4)
    page.mouse.up()
    assert page.locator("input[name=drawing]").input_value().startswith("data:image/png;base64,")


def test_the_portal_from_the_mail_to_signing_out(phone: Any, patient: Any, specialist: Any, live_server: Any) -> None:
    a_patient_of_whom_there_is_much_to_read(patient, specialist)
    sign_in_by_mail(phone, live_server)
    log_a_session(phone)
    for link, name in (("Visits", "visits"), ("Forms", "forms"), ("Messages", "messages"), ("Library", "library")):
        phone.get_by_role("link", name=link, exact=True).tap()
        phone.get_by_role("heading", level=1).wait_for()
        looks_right(phone, name)
    phone.get_by_role("link", name="Exercising at home").tap()
    looks_right(phone, "telerehab")
    phone.get_by_role("link", name="What we may send you").tap()
    phone.get_by_role("group", name="Surveys").get_by_label("Email").uncheck()
    looks_right(phone, "preferences")
    phone.get_by_role("button", name="Save").tap()
    phone.get_by_text("Saved.").wait_for()
    assert [(one.category, one.channel, one.granted) for one in Consent.objects.all()] == [("survey", "email", False)]
    phone.get_by_role("button", name="Sign out").tap()
    phone.get_by_role("heading", name="Sign in to your pages").wait_for()
    phone.goto(f"{live_server.url}/portal/exercises/")
    assert phone.url.endswith("/portal/sign-in/")


def a_patient_of_whom_there_is_much_to_read(patient: Any, specialist: Any) -> None:
    patient.clinic.phone = "+40 21 555 0100"
    patient.clinic.save()
    make_plan(patient, 3, 5)
    make_visit(
        patient,
        "confirmed",
        specialist=specialist,
        starts_at=clock.now() + timedelta(minutes=5),
        join_url="https://meet.example/x",
    )
    done = make_visit(patient, "completed", specialist=specialist, starts_at=clock.now() - timedelta(days=3))
    visits.write_summary(done, text="Your knee is well.\n\nGo on with the exercises.")
    visits.release_summary(done)
    ask(patient, make_template(patient.clinic))
    Notification.objects.create(clinic=patient.clinic, patient=patient, title="Well done", body="Three weeks in a row.")
    add_item(clinic=patient.clinic, slug="knees", title="Strong knees", text="Bend slowly.")
    grant_access(patient, feature="library")
    grant_access(patient, feature="telerehab")


def sign_in_by_mail(phone: Any, live_server: Any) -> None:
    phone.goto(f"{live_server.url}/portal/")
    looks_right(phone, "sign-in")
    phone.get_by_label("Your email address").fill("maria@patients.example")
    phone.get_by_role("button", name="Send me a link").tap()
    phone.get_by_role("heading", name="Look into your mailbox").wait_for()
    phone.goto(link_of_mail())
    looks_right(phone, "enter")
    phone.get_by_role("button", name="Sign in").tap()
    phone.get_by_role("heading", name="Hello Maria").wait_for()
    assert phone.get_by_role("link", name="Join now").get_attribute("href") == "https://meet.example/x"
    looks_right(phone, "home")


def log_a_session(phone: Any) -> None:
    phone.get_by_role("link", name="Exercises", exact=True).tap()
    phone.get_by_label("Exercise 3").check()
    phone.get_by_role("group", name="How strong was the pain?").get_by_label("4", exact=True).check()
    phone.get_by_role("button", name="Save").dblclick()
    phone.get_by_role("status").wait_for()
    looks_right(phone, "exercises")
    assert [one.pain for one in ExerciseSession.objects.all()] == [4]
