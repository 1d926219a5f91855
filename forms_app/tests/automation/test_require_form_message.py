"""The message of require_form: what it says when it leaves, and to whom."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail

from automations.engine.declare import catalog
from clinic import clock
from forms_app import services
from forms_app.links import find
from forms_app.models import FormRequest
from forms_app.tests.automation.sharing import run
from forms_app.tests.builders import born, fill, require_step
from messaging.delivery import drain_due
from messaging.models import Delivery
from messaging.purposes import content_of
from messaging.recipients import reader_of
from messaging.sealed import unsealed
from patients.models import Contact

pytestmark = pytest.mark.django_db
ACTION = catalog.actions["require_form"]


@pytest.fixture
def outbox(settings):
    """What a real drain hands to the mail server's side of Django."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    return mail.outbox


def written(delivery: Delivery) -> Any:
    return content_of(delivery, reader_of(delivery))


def link_in(delivery: Delivery, text: str) -> str:
    """The path of the link, as the mail that leaves has it."""
    [link] = [word for word in unsealed(delivery, text)[0].split() if "/f/" in word]
    return "/f/" + link.split("/f/")[1]


def test_the_message_counts_what_is_open_and_leads_to_it_without_naming_it(patient, consent, questionnaire, client):
    run(require_step(patient, "privacy", due_in_days=2), require_step(patient, "pain"))
    delivery = Delivery.objects.get()
    content = written(delivery)
    assert content.subject == "North Clinic: 2 forms for you"
    assert "Hello Maria Marin," in content.text
    assert "Please do so by" in content.text
    assert "works for 30 days" in content.text
    for clinical in ("Privacy", "Pain", "consent", "questionnaire"):
        assert clinical not in content.subject + content.text
    link = link_in(delivery, content.text)
    assert link in unsealed(delivery, content.html)[0]
    page = client.post(link, born(patient), follow=True)
    assert page.status_code == 200
    assert b"Privacy" in page.content
    assert b"Pain" in page.content


def test_a_day_that_has_passed_is_named_no_more(patient, consent, questionnaire):
    run(require_step(patient, "privacy", due_in_days=2), require_step(patient, "pain", due_in_days=9))
    first, second = FormRequest.objects.order_by("due_at").values_list("due_at", flat=True)
    text = written(Delivery.objects.get()).text
    assert f"{first:%B} {first.day}" in text
    clock.advance_to(first + timedelta(hours=1))
    text = written(Delivery.objects.get()).text
    assert (f"{second:%B} {second.day}" in text, f"{first:%B} {first.day}," in text) == (True, False)
    clock.advance_to(second)
    assert "Please do so by" not in written(Delivery.objects.get()).text


def test_the_message_is_written_when_it_leaves_and_not_at_all_when_nothing_is_open(patient, consent, questionnaire):
    run(require_step(patient, "privacy"), require_step(patient, "pain"))
    fill(FormRequest.objects.get(template=consent))
    assert written(Delivery.objects.get()).subject == "North Clinic: a form for you"
    services.void(FormRequest.objects.get(template=questionnaire))
    assert written(Delivery.objects.get()).code == "nothing_to_say"


def test_a_contacts_link_names_the_contact(patient, consent):
    patient.birth_date = date(2015, 1, 1)
    patient.save()
    contact = Contact.objects.create(
        clinic=patient.clinic, patient=patient, name="Elena", relation="mother", email="e@x.example", gets_messages=True
    )
    run(require_step(patient, "privacy"))
    delivery = Delivery.objects.get()
    link = link_in(delivery, written(delivery).text)
    assert find(link.split("/")[-2]).contact == contact


@pytest.mark.django_db(transaction=True)
def test_it_leaves_through_the_real_delivery_and_is_suppressed_when_settled(patient, consent, questionnaire, outbox):
    run(require_step(patient, "privacy"))
    drain_due()
    [message] = outbox
    assert (message.subject, message.to) == ("North Clinic: a form for you", ["maria@patients.example"])
    assert Delivery.objects.get().state == "sent"
    clock.advance_by(timedelta(minutes=2))
    run(require_step(patient, "pain"))
    for request in FormRequest.objects.all():
        services.void(request)
    drain_due()
    newest = Delivery.objects.latest("pk")
    assert (newest.state, newest.reason, len(outbox)) == ("suppressed", "nothing_to_say", 1)
