"""In Chromium: a colleague is invited and signs in with a second factor; the pages fit and axe finds nothing."""

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from django.core.cache import cache
from playwright.sync_api import expect

from accounts import services, tokens
from accounts.models import Membership
from clinic.testing.browser import picture
from tests.cast import PASSWORD, make_member

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOOKS = (("desk", "light", {"width": 1440, "height": 900}), ("phone", "dark", {"width": 390, "height": 844}))


def code_of(key):
    return format_hotp_value(hotp_value(key, int(time.time()) // 30))


@pytest.fixture
def look(page):
    """Look at the page on a desk in the light and on a phone in the dark: nothing too wide, nothing serious for axe."""

    def at(name):
        for place, scheme, size in LOOKS:
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            picture(page, f"settings-{name}-{place}")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (name, place)
            found = [one for one in Axe().run(page).response["violations"] if one["impact"] in ("serious", "critical")]
            assert not found, [(name, place, one["id"], [node["html"] for node in one["nodes"]]) for one in found]

    return at


def sign_in(page, url, email, password=PASSWORD):
    page.goto(f"{url}/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_a_colleague_is_invited_and_comes_in_with_a_second_factor(page, live_server, settings, clinic, admin, look):
    settings.PUBLIC_URL = live_server.url
    cache.clear()
    sign_in(page, live_server.url, "ada@north.example")
    page.goto(f"{live_server.url}/staff/settings/people/invite/")
    page.get_by_label("Email").fill("nora@new.example")
    page.get_by_label("Name").fill("Nora New")
    page.get_by_label("Slug").fill("nora")
    page.get_by_label("Role").select_option("specialist")
    look("invite")
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_text("The invitation is on its way to nora@new.example.")).to_be_visible()
    services.update_clinic(clinic, require_mfa=True)
    page.context.clear_cookies()

    page.goto(re.search(r"http\S+/join/\S+", mail.outbox[0].body)[0])
    look("join")
    page.locator("[name=new_password1]").fill("quite a long password")
    page.locator("[name=new_password2]").fill("quite a long password")
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_text("Your account is ready.")).to_be_visible()
    look("login")
    sign_in(page, live_server.url, "nora@new.example", "quite a long password")

    expect(page.get_by_role("heading", name="Set up the second factor")).to_be_visible()
    look("factor")
    page.get_by_text("It cannot be scanned").click()
    key = page.locator(".secret").inner_text()
    page.get_by_label("Authenticator code").fill(code_of(key))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    look("codes")
    page.get_by_role("link", name="To the first page").click()
    expect(page.get_by_text("Nora New").first).to_be_visible()
    assert Membership.objects.get(slug="nora").user.last_login is not None


@pytest.mark.proof(only=True)
def test_the_settings_read_well_on_a_desk_and_on_a_phone(page, live_server, clinic, admin, look, settings):
    settings.STAFF_LANGUAGES = ["en", "ar"]
    make_member(clinic, "front_desk", "felix", "Felix Front")
    tokens.create_token(clinic=clinic, name="Booking portal", scopes=["read", "write"])
    sign_in(page, live_server.url, "ada@north.example")
    for name in ("", "clinic/", "people/", "tokens/", "tokens/new/"):
        page.goto(f"{live_server.url}/staff/settings/{name}")
        look(name.strip("/").replace("/", "-") or "account")
    page.context.add_cookies([{"name": "django_language", "value": "ar", "url": live_server.url}])
    page.goto(f"{live_server.url}/staff/settings/people/")
    assert page.locator("html").get_attribute("dir") == "rtl"
    look("rtl")
