"""A real Chromium that talks to this machine alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.db import connections

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

LOCAL = {"127.0.0.1", "localhost", "::1", ""}
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE ::1",
]
DESK = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium. Without one the test is skipped, or fails where REQUIRE_BROWSER is set."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        remedy = "No Chromium was found. Debian: apt-get install chromium"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(remedy)
        pytest.skip(remedy)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # as long as any other wait: the machine may be busy
    # Playwright keeps an event loop in this thread, in which Django would refuse to query.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield chromium
        chromium.close()
        # Inside a running event loop Django keeps connections of its own, which nobody else would close.
        connections.close_all()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


def open_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """Yield a fresh page; afterwards raise for a request to another machine, a script's error, a refusal by the CSP.

    `options` are those of a browser context. Chromium finds no other machine; requests are only watched, because
    it keeps no file while somebody stops them to look.
    """
    # Without motion: what is looked at right after a change must not be half-way between two colours.
    context = browser.new_context(**{"viewport": DESK, "reduced_motion": "reduce", **options})
    complaints: list[str] = []

    def watch(request: Request) -> None:
        if urlsplit(request.url).hostname not in LOCAL and not request.url.startswith(("data:", "blob:")):
            complaints.append(f"left the machine: {request.url}")

    context.on("request", watch)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield page
    context.close()
    assert not complaints, "\n".join(complaints)


def picture(page: Page, name: str, full: bool = True) -> None:
    """Take a picture of a page (full=False: of what is in sight) into the directory SCREENSHOTS, if it is set.

    To draw a whole page costs more than to ask it everything else.
    """
    if kept := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{kept}/{name}.png", full_page=full)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a fresh page that fails the test for what `open_page` raises."""
    yield from open_page(browser)
