"""The staff's forms in Chromium: writing one with its preview, and signing on the clinic's tablet."""

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect

from forms_app import services
from forms_app.models import FormTemplateVersion

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def enter(page, live_server):
    """Sign a test client's person in to the page."""

    def enter(client):
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        return page

    return enter


def test_an_admin_writes_a_form_while_the_preview_follows(enter, live_server, clinic, as_admin, tmp_path):
    template = services.create_template(clinic=clinic, slug="visit", name="Visit", kind="questionnaire")
    page = enter(as_admin)
    page.goto(live_server.url + reverse("staff:form-template-edit", args=[template.pk]))
    preview = page.frame_locator("iframe[name=preview]")

    page.get_by_role("button", name="Add it").click()
    page.get_by_label("Question", exact=True).fill("Do you smoke?")
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
    page.screenshot(path=tmp_path / "builder.png", full_page=True)
    page.get_by_role("button", name="Publish").click()
    page.get_by_text("It is asked in this wording from now on.").wait_for()
    [smoke, since] = FormTemplateVersion.objects.get().questions
    assert (smoke["id"], since["show_when"]) == (
        "do-you-smoke",
        {"question": "do-you-smoke", "op": "is", "value": True},
    )
