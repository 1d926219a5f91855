"""What the browser tests share: a server, a signed-in page, pictures, and axe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.conf import settings

from clinic.testing.browser import picture
from tests.browser.people import People
from tests.journeys.conftest import mailbox, story

__all__ = ["mailbox", "story"]


@pytest.fixture
def sign_in(page: Any, live_server: Any) -> Callable[[Any], Any]:
    """Return a function that signs a test client's person in to the page."""

    def enter(client: Any) -> Any:
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        return page

    return enter


@pytest.fixture
def shoot(page: Any) -> Callable[..., None]:
    """Return a function that takes a picture of the page (see `picture`)."""
    return partial(picture, page)


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
    everybody = People(browser, live_server.url, clients)
    yield everybody
    everybody.close()
