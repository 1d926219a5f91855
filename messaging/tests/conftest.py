"""A mail server, and templates and deliveries to send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from messaging import services, subscriptions
from messaging.models import Delivery, MessageTemplate
from messaging.testing.mailserver import MailServer
from messaging.testing.pushserver import PushServer
from messaging.tests.pushing import SECRET_WORDS
from patients.services import set_consents


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    """A real SMTP server that takes everything, and settings that lead there."""
    with MailServer() as server:
        settings.EMAIL_BACKEND = "messaging.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 1
        yield server


@pytest.fixture
def reminder(clinic: Any) -> MessageTemplate:
    """A transactional template in English and Romanian."""
    return services.save_template(
        clinic=clinic,
        slug="reminder",
        name="Reminder",
        bodies=[
            services.Body("en", "Your visit, {{ patient.given_name }}", "Dear {{ patient.given_name }},\n\nsee you."),
            services.Body(
                "ro", "Programarea ta, {{ patient.given_name }}", "Dragă {{ patient.given_name }},\n\nte așteptăm."
            ),
        ],
    )


@pytest.fixture
def wants_marketing(patient: Any) -> None:
    """The patient said yes to marketing by email."""
    set_consents(patient, [{"category": "marketing", "channel": "email", "granted": True}])


@pytest.fixture
def queue(patient: Any, reminder: MessageTemplate) -> Callable[..., Delivery]:
    """Return a function that queues a reminder to the patient."""

    def queue(**changes: Any) -> Delivery:
        given = {
            "clinic_id": patient.clinic_id,
            "patient_id": patient.pk,
            "category": "transactional",
            "template_id": reminder.pk,
        }
        return services.queue_email(**(given | changes))

    return queue


@pytest.fixture
def push_server(settings):
    """A push service that takes everything, and little patience."""
    settings.PUSH_TIMEOUT = 1
    with PushServer() as server:
        yield server


@pytest.fixture
def phone(push_server, patient):
    """Maria's phone, on which notifications are turned on."""
    device = push_server.device()
    subscriptions.subscribe([patient], device.browser)
    return device


@pytest.fixture
def desk(push_server, front_desk):
    """The front desk's browser, on which notifications are turned on."""
    device = push_server.device()
    subscriptions.subscribe([front_desk], device.browser)
    return device


@pytest.fixture
def tell(patient):
    """Return a function that tells Maria, or a member of the staff, something inside the platform."""

    def tell(member=None, **changes):
        given = {
            "clinic_id": patient.clinic_id,
            "patient_id": patient.pk,
            "title": SECRET_WORDS,
            "body": "Look at it together.",
            "recipient_id": member.pk if member else None,
        }
        [note] = services.notify([services.Note(**(given | changes))])
        return note

    return tell
