"""Saying no to mails by one click (RFC 8058)."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client

from accounts.models import AuditEntry
from messaging import unsubscribe
from messaging.delivery import drain_due
from messaging.models import Delivery, MessageBody, MessageTemplate
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


def test_they_also_show_the_way_out_in_their_text(patient, sent):
    message = sent("survey")
    link = message.extra_headers["List-Unsubscribe"].strip("<>")
    [html] = [part.content for part in message.alternatives]
    assert message.body == f"Hello.\n\nNo more such emails: {link}\n"
    assert f'<a href="{link}">No more such emails</a>' in html
    assert "unsubscribe" not in Delivery.objects.get().body_text  # staff read what is kept
    plain = sent("transactional")
    assert plain.body == "Hello.\n"
    assert "unsubscribe" not in plain.alternatives[0].content


@pytest.mark.parametrize(("language", "words"), [("ro", "mailuri"), ("es", "correos"), ("ar", "رسائل")])
def test_the_way_out_is_shown_in_the_mails_language(patient, language, words):
    mail = Delivery(clinic=patient.clinic, patient=patient, category="survey")
    text, _html = unsubscribe.footed(mail, language, "x", "x")
    assert words in text


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
