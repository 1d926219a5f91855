"""The staff's forms in Chromium: writing one with its preview, and signing on the clinic's tablet."""

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect

from clinic.testing.browser import picture
from forms_app import services
from forms_app.models import FormResponse, FormTemplateVersion
from forms_app.tests.builders import ask, make_template
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def enter(page, live_server):
    """Sign a test client's person in to the page."""

    def enter(client):
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        return page

    return enter


def test_an_admin_writes_a_form_while_the_preview_follows(enter, live_server, clinic, as_admin):
    template = services.create_template(clinic=clinic, slug="visit", name="Visit", kind="questionnaire")
    page = enter(as_admin)
    page.goto(live_server.url + reverse("staff:form-template-edit", args=[template.pk]))
    preview = page.frame_locator("iframe[name=preview]")

    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_label("Question", exact=True)).to_be_focused()
    page.keyboard.type("Do you smoke?")
    preview.get_by_text("Do you smoke?").wait_for()

    page.get_by_label("New question").select_option(label="Short text")
    page.get_by_role("button", name="Add it").click()
    page.locator("#q1-text-en").fill("Since when?")
    page.locator("#q1-when").select_option("do-you-smoke")
    page.locator("#q1-when-value").select_option("yes")
    answer = preview.get_by_label("Since when?")
    preview.locator("[data-condition]").wait_for(state="attached")
    answer.wait_for(state="hidden")
    preview.get_by_label("Yes").check()
    answer.wait_for(state="visible")

    page.get_by_role("button", name="Move question 2 up").click()
    expect(page.locator("#q0-text-en")).to_have_value("Since when?")
    page.get_by_role("button", name="Publish").click()
    page.get_by_text("Name a question that stands before this one.").wait_for()
    page.get_by_role("button", name="Move question 1 down").click()
    expect(page.locator("#q0-text-en")).to_have_value("Do you smoke?")
    picture(page, "builder")
    page.get_by_role("button", name="Publish").click()
    page.get_by_text("It is asked in this wording from now on.").wait_for()
    [smoke, since] = FormTemplateVersion.objects.get().questions
    assert (smoke["id"], since["show_when"]) == (
        "do-you-smoke",
        {"question": "do-you-smoke", "op": "is", "value": True},
    )


def test_a_patient_draws_a_signature_on_the_tablet_and_staff_take_it_back(
    enter, live_server, patient, as_front_desk, front_desk
):
    row = ask(patient, make_template(patient.clinic, text="I agree to be treated."))
    page = enter(as_front_desk)
    page.set_viewport_size({"width": 820, "height": 1100})
    page.goto(live_server.url + reverse("staff:form", args=[row.pk]))
    page.get_by_role("button", name="Sign here, on this tablet").click()
    page.get_by_label("I have read this and I agree.").check()
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()  # it waits until the script has shown it
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 90, steps=8)
    page.mouse.move(box["x"] + 240, box["y"] + 30, steps=8)
    page.mouse.up()
    page.get_by_role("button", name="Sign", exact=True).click()
    page.get_by_role("heading", name="Please give the tablet back").wait_for()

    page.goto(live_server.url + reverse("staff:home"))
    page.get_by_role("heading", name="This tablet is locked to a form").wait_for()
    page.get_by_role("link", name="Go to the form").click()
    page.get_by_role("link", name="For the clinic").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Unlock").click()
    page.get_by_role("img", name="The drawn signature").wait_for()
    signed = FormResponse.objects.get()
    assert (signed.method, signed.witnessed_by, signed.signed_by) == ("tablet", front_desk, "Maria Marin")


def test_a_form_is_written_and_looked_at_without_javascript(browser, live_server, clinic, as_admin):
    template = services.create_template(clinic=clinic, slug="visit", name="Visit", kind="questionnaire")
    context = browser.new_context(java_script_enabled=False)
    cookie = as_admin.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    page = context.new_page()
    page.goto(live_server.url + reverse("staff:form-template-edit", args=[template.pk]))
    page.get_by_role("button", name="Add it").click()
    page.get_by_label("Question", exact=True).fill("Do you smoke?")
    page.get_by_role("button", name="Show the preview").click()
    page.frame_locator("iframe[name=preview]").get_by_text("Do you smoke?").wait_for()
    page.get_by_role("button", name="Publish").click()
    page.get_by_text("It is asked in this wording from now on.").wait_for()
    context.close()
    assert FormTemplateVersion.objects.get().questions[0]["id"] == "do-you-smoke"
