"""What every race has: a mail server, templates, and a database without deadlocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from messaging import services
from messaging.testing.mailserver import MailServer
from tests.races.arena import deadlocks


@pytest.fixture
def mail_server(transactional_db: None, settings: Any) -> Iterator[MailServer]:
    """A real SMTP server that takes everything, and settings that lead there."""
    with MailServer() as server:
        settings.EMAIL_BACKEND = "messaging.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 5
        yield server


@pytest.fixture
def template(clinic: Any) -> Any:
    """A transactional template with the slug "reminder"."""
    bodies = [services.Body("en", "Your visit", "Dear {{ patient.given_name }}, see you.")]
    return services.save_template(clinic=clinic, slug="reminder", name="Reminder", bodies=bodies)


@pytest.fixture
def no_deadlocks(transactional_db: None) -> Iterator[None]:
    """Compare the database's own count of deadlocks before and after."""
    before = deadlocks()
    yield
    assert deadlocks() == before
