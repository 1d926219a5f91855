"""What a journey begins with: an open clinic, its people, a mail server that takes everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Clinic
from messaging.testing.mailserver import MailServer
from tests.journeys.story import Story, first_monday


@pytest.fixture
def mailbox(settings: Any) -> Iterator[MailServer]:
    """A real SMTP server that takes everything, and settings that lead there."""
    with MailServer() as server:
        settings.EMAIL_BACKEND = "messaging.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def story(db: None, clinic: Clinic, mailbox: MailServer) -> Story:
    """The clinic in Bucharest at nine on a Monday in February, far from any change of the clocks."""
    return Story(clinic, mailbox, first_monday(2))
