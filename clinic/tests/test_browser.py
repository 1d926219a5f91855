"""The browser that the other browser tests rely on."""

import pytest
from django.conf import settings
from playwright.sync_api import expect

from clinic.testing.browser import open_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_chromium_opens_a_page_of_this_machine_and_no_request_leaves_it(page, live_server):
    page.goto(f"{live_server.url}/accounts/login/")

    expect(page.locator("input[name=login]")).to_be_visible()


def test_a_request_to_another_machine_is_noted_and_stopped(browser, live_server, as_operator):
    generator = open_page(browser)
    guarded = next(generator)
    session = as_operator.cookies[settings.SESSION_COOKIE_NAME].value
    guarded.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    guarded.goto(f"{live_server.url}/admin/password_change/")  # where no policy stops it first
    stopped: list[str | None] = []
    guarded.on("requestfailed", lambda request: stopped.append(request.failure))
    for address in ("https://elsewhere.invalid/a.png", "https://192.0.2.1/a.png"):
        guarded.evaluate("address => fetch(address).catch(() => 0)", address)

    with pytest.raises(AssertionError, match=r"left the machine: https://elsewhere\.invalid/a\.png"):
        next(generator)
    assert stopped == ["net::ERR_NAME_NOT_RESOLVED"] * 2


def test_a_refusal_by_the_content_security_policy_is_noted(browser, live_server):
    generator = open_page(browser)
    guarded = next(generator)
    guarded.goto(f"{live_server.url}/healthz/live")
    guarded.evaluate("document.head.insertAdjacentHTML('beforeend', '<style>body { color: red }</style>')")

    with pytest.raises(AssertionError, match="Content Security Policy"):
        next(generator)
