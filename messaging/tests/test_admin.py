"""The admin pages of messaging."""

from __future__ import annotations

import pytest
from django.urls import reverse

from messaging import services
from messaging.models import Delivery, DeliveryAttempt, MessageBody, MessageTemplate, Notification

pytestmark = pytest.mark.django_db
ADD = "/admin/messaging/messagetemplate/add/"


def form(*bodies, stored=(), **changes):
    """Return what the browser posts for a template with these (language, subject, text)."""
    data = {
        "name": "Hello",
        "slug": "hello",
        "category": "transactional",
        "bodies-TOTAL_FORMS": len(bodies),
        "bodies-INITIAL_FORMS": len(stored),
        "bodies-MIN_NUM_FORMS": 1,
        "bodies-MAX_NUM_FORMS": 1000,
    }
    for number, (language, subject, text) in enumerate(bodies):
        data |= {
            f"bodies-{number}-language": language,
            f"bodies-{number}-subject": subject,
            f"bodies-{number}-text": text,
        }
    for number, body in enumerate(stored):
        data |= {f"bodies-{number}-id": body.pk, f"bodies-{number}-template": body.template_id}
    return data | changes


def change_url(row):
    return reverse(f"admin:messaging_{row._meta.model_name}_change", args=[row.pk])


def test_a_clinic_admin_writes_a_template(as_admin, clinic):
    answer = as_admin.post(ADD, form(("en", "Hello", "Dear {{ patient.given_name }}"), ("ro", "Salut", "Dragă")))
    assert answer.status_code == 302, answer.content.decode()
    template = MessageTemplate.objects.get()
    assert (template.clinic, template.slug) == (clinic, "hello")
    assert set(MessageBody.objects.values_list("language", "clinic_id")) == {("en", clinic.pk), ("ro", clinic.pk)}


@pytest.mark.parametrize(
    ("bodies", "said"),
    [
        ([("en", "Hello", "{{ patient.nickname }}")], "patient.nickname"),
        ([("en", "{% if %}", "x")], "Liquid"),
        ([], "at least"),
    ],
)
def test_a_text_that_is_wrong_is_refused_by_name_and_nothing_is_stored(as_admin, bodies, said):
    answer = as_admin.post(ADD, form(*bodies))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert (MessageTemplate.objects.count(), MessageBody.objects.count()) == (0, 0)


def test_changing_a_text_stores_it(as_admin, reminder):
    body = reminder.bodies.get(language="en")
    reminder.bodies.exclude(pk=body.pk).delete()
    answer = as_admin.post(change_url(reminder), form(("en", "New", "y"), stored=[body], name="Renamed"))
    assert answer.status_code == 302, answer.content.decode()
    assert MessageBody.objects.get().subject == "New"
    assert MessageTemplate.objects.get().name == "Renamed"


def test_the_page_shows_the_variables_and_a_preview_that_runs_nothing(as_admin, reminder):
    page = as_admin.get(change_url(reminder)).content.decode()
    assert "{{ patient.given_name }}" in page
    assert "Your visit, Maria" in page
    assert 'sandbox srcdoc="&lt;!doctype html&gt;' in page


def test_the_front_desk_may_look_and_not_change(as_front_desk, reminder):
    assert as_front_desk.get(change_url(reminder)).status_code == 200
    assert as_front_desk.post(change_url(reminder), form(("en", "New", "y"))).status_code == 403
    assert set(MessageBody.objects.values_list("subject", flat=True)) == {
        "Your visit, {{ patient.given_name }}",
        "Programarea ta, {{ patient.given_name }}",
    }


def test_a_stranger_finds_nothing(as_stranger, reminder, queue):
    delivery = queue()
    assert as_stranger.get(change_url(reminder)).status_code == 302
    assert as_stranger.get(change_url(delivery)).status_code == 302
    page = as_stranger.get("/admin/messaging/delivery/").content.decode()
    assert "Maria" not in page


def test_deliveries_show_their_attempts_and_why(as_front_desk, queue):
    delivery = queue()
    Delivery.objects.update(state="failed", reason="refused", last_error="554 no", attempts=1)
    DeliveryAttempt.objects.create(
        clinic_id=delivery.clinic_id,
        delivery=delivery,
        number=1,
        started_at=delivery.created_at,
        outcome="refused",
        answer="554 no",
    )
    page = as_front_desk.get(change_url(delivery)).content.decode()
    assert "The server refused it for good." in page
    assert "554 no" in page
    assert 'name="_save"' not in page
    assert as_front_desk.post(change_url(delivery), {"state": "sent"}).status_code == 403
    assert Delivery.objects.get().state == "failed"


def test_a_failed_one_is_tried_again_by_the_action_and_a_sent_one_is_not(as_front_desk, queue):
    failed, sent = queue(), queue()
    Delivery.objects.filter(pk=failed.pk).update(state="failed", reason="refused")
    Delivery.objects.filter(pk=sent.pk).update(state="sent")
    chosen = {"action": "try_again", "_selected_action": [failed.pk, sent.pk]}
    page = as_front_desk.post("/admin/messaging/delivery/", chosen, follow=True).content.decode()
    assert set(Delivery.objects.values_list("pk", "state")) == {(failed.pk, "queued"), (sent.pk, "sent")}
    assert "1 queued again." in page
    assert "cannot become" in page


def test_notifications_can_be_looked_at(as_specialist, specialist, patient):
    [note] = services.notify(
        [services.Note(clinic_id=patient.clinic_id, patient_id=patient.pk, title="Look", recipient_id=specialist.pk)]
    )
    assert as_specialist.get("/admin/messaging/notification/").status_code == 200
    assert as_specialist.get(change_url(note)).status_code == 200
    assert as_specialist.post(change_url(note), {"title": "x"}).status_code == 403
    assert Notification.objects.get().title == "Look"
