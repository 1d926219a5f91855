"""What a journey begins with: an open clinic, its people, a mail server that takes everything."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest
from django.db import DatabaseError

from accounts.models import Clinic
from automations.models import Step
from messaging.models import Delivery
from messaging.testing.mailserver import MailServer
from tests.journeys.story import Story, first_monday


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failure what became of each step and message: workers write nothing into the test's own output."""
    report = yield
    if report.when == "call" and report.failed:
        try:
            told = _ledger()
        except DatabaseError as error:  # the test's own transaction may be what broke
            told = f"not to be read: {error}"
        report.sections.append(("steps and messages", told))
    return report


def _ledger() -> str:
    steps = Step.objects.order_by("pk").values_list("pk", "action_id", "state", "reason", "attempts", "due_at")
    mails = Delivery.objects.order_by("pk").values_list(
        "pk", "purpose", "state", "reason", "attempts", "not_before", "last_error"
    )
    return "\n".join([*(f"step {row}" for row in steps), *(f"delivery {row}" for row in mails)])


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
