"""What the browser tests share: a server, a signed-in page, pictures, and axe."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.browser.people import People
from tests.journeys.conftest import mailbox, story

__all__ = ["mailbox", "story"]

SHOTS = Path(os.environ.get("SCREENSHOTS", settings.LOCAL_DIR / "screenshots"))


@pytest.fixture
def sign_in(page: Any, live_server: Any) -> Callable[[Any], Any]:
    """Return a function that signs a test client's person in to the page."""

    def enter(client: Any) -> Any:
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        return page

    return enter


@pytest.fixture
def shoot(page: Any) -> Callable[..., Path]:
    """Return a function that takes a picture of the whole page (full=False: of what is in sight)."""

    def take(name: str, full: bool = True) -> Path:
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}.png"
        page.screenshot(path=str(path), full_page=full)
        return path

    return take


@pytest.fixture
def people(
    browser: Any,
    live_server: Any,
    settings: Any,
    as_admin: Any,
    as_front_desk: Any,
    as_specialist: Any,
    as_stranger: Any,
    stranger_patient: Any,
) -> Iterator[People]:
    """The five people of a journey, each with a browser of their own; links in mails lead to this server."""
    settings.PUBLIC_URL = live_server.url
    clients = {"admin": as_admin, "front_desk": as_front_desk, "specialist": as_specialist, "stranger": as_stranger}
    everybody = People(browser, live_server.url, clients, SHOTS)
    yield everybody
    everybody.close()
