"""Saying no to mails by one click (RFC 8058)."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client

from accounts.models import AuditEntry
from messaging import unsubscribe
from messaging.delivery import drain_due
from messaging.models import MessageBody, MessageTemplate
from messaging.services import queue_email
from patients.models import Consent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(patient, settings):
    """Return a function that sends a mail of a category and returns it."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    def send(category, **fields):
        clinic = patient.clinic
        template = MessageTemplate.objects.create(clinic=clinic, slug=category, name=category, category=category)
        MessageBody.objects.create(clinic=clinic, template=template, language="en", subject="Hello", text="Hello.")
        mail.outbox = []
        queue_email(
            clinic_id=patient.clinic_id, patient_id=patient.pk, category=category, template_id=template.pk, **fields
        )
        drain_due()
        return mail.outbox[0]

    return send


def test_mails_that_are_no_part_of_a_visit_carry_the_headers(patient, sent, admin):
    message = sent("survey")
    link = message.extra_headers["List-Unsubscribe"]
    assert link.startswith("<http")
    assert "/portal/unsubscribe/" in link
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "List-Unsubscribe" not in sent("transactional").extra_headers
    assert "List-Unsubscribe" not in sent("clinical", recipient_id=admin.pk).extra_headers


def test_looking_says_nothing_and_one_click_says_no(patient, sent):
    link = sent("survey").extra_headers["List-Unsubscribe"].strip("<>")
    path = "/portal" + link.split("/portal")[1]
    mailbox = Client(enforce_csrf_checks=True)
    assert "No more such emails" in mailbox.get(path).content.decode()
    mailbox.head(path)
    assert Consent.objects.count() == 0
    for _click in range(2):
        answer = mailbox.post(path, {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    said = Consent.objects.get()
    assert (said.patient, said.category, said.channel, said.granted) == (patient, "survey", "email", False)
    assert AuditEntry.objects.get(action="consent.withdrawn").actor_kind == "patient"


def test_a_forged_link_says_nothing(patient):
    token = unsubscribe.token_for(patient.pk, "survey")
    for forged in (token[:-1], token + "x", "x", "a.b"):
        assert Client().post(f"/portal/unsubscribe/{forged}/").status_code == 404
    assert Consent.objects.count() == 0
