"""Templates, notifications and deliveries over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Pause
from accounts.services import end_pause
from clinic import clock
from messaging import services
from messaging.models import Delivery, MessageTemplate, Notification
from tests.callers import Caller

pytestmark = pytest.mark.django_db
WELCOME = {"slug": "welcome", "name": "Welcome", "bodies": [{"language": "en", "subject": "Hello", "text": "Welcome."}]}


def faults(answer):
    return [(one["path"], one["code"]) for one in answer.json()["errors"]]


def test_a_template_is_created_read_and_changed(api):
    made = api.post("message-templates/", WELCOME)
    assert made.status_code == 201, made.content
    assert made.json()["bodies"] == WELCOME["bodies"]
    assert (made.json()["category"], made.json()["inside_only"]) == ("transactional", False)
    assert faults(api.post("message-templates/", WELCOME)) == [("/slug", "taken")]
    bodies = [*WELCOME["bodies"], {"language": "ro", "subject": "Bună", "text": "Bine ai venit."}]
    changed = api.patch("message-templates/welcome/", {"bodies": bodies}).json()
    assert [one["language"] for one in changed["bodies"]] == ["en", "ro"]
    assert changed["name"] == "Welcome"


def test_an_unknown_variable_is_refused_where_it_stands(api):
    body = {**WELCOME["bodies"][0], "text": "Hello {{ patient.shoe_size }}"}
    answer = api.post("message-templates/", {**WELCOME, "bodies": [body]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "/bodies/0/text"
    assert "shoe_size" in answer.json()["detail"]
    assert MessageTemplate.objects.count() == 0


def test_a_notification_is_read_by_its_reader_or_by_a_program(api, patient, specialist, as_specialist, as_front_desk):
    note = services.Note(clinic_id=patient.clinic_id, patient_id=patient.pk, title="Pain", recipient_id=specialist.pk)
    [row] = services.notify([note])
    path = f"notifications/{row.pk}/"
    assert (api.get(path).json()["recipient"], api.get(path).json()["read_at"]) == ("dr-ionescu", None)
    assert Caller(client=as_front_desk).post(f"{path}read/").status_code == 403
    assert Notification.objects.get().read_at is None
    read = Caller(client=as_specialist).post(f"{path}read/").json()
    assert read["read_at"] is not None
    assert api.post(f"{path}read/").json() == read
    assert api.get("notifications/?read=false").json()["results"] == []


def test_a_notification_says_whether_it_can_be_seen_and_why_it_never_will(api, patient):
    soon = clock.now() + timedelta(hours=1)
    given = {"clinic_id": patient.clinic_id, "patient_id": patient.pk, "title": "Well done"}
    [row] = services.notify([services.Note(**given, visible_at=soon, not_after=soon)])
    path, pause = f"notifications/{row.pk}/", Pause.objects.create(clinic=patient.clinic, scope="clinic", why="test")
    clock.advance_to(soon + timedelta(hours=1))
    assert (api.get(path).json()["is_visible"], api.get(path).json()["reason"]) == (False, None)
    end_pause(pause)
    late = {"code": "too_late", "text": "It was too late to send it."}
    assert (api.get(path).json()["is_visible"], api.get(path).json()["reason"]) == (False, late)
    assert api.post(f"{path}read/").json()["is_visible"] is False
    [other] = services.notify([services.Note(**given)])
    assert api.get(f"notifications/{other.pk}/").json()["is_visible"] is True


def test_a_delivery_that_has_not_left_is_taken_back_and_a_failed_one_tried_again(api, patient):
    row = services.queue_email(
        clinic_id=patient.clinic_id, patient_id=patient.pk, category="transactional", purpose="template"
    )
    path = f"deliveries/{row.pk}/"
    assert (api.get(path).json()["state"], api.get(path).json()["recipient"]["type"]) == ("queued", "patient")
    assert api.post(f"{path}retry/").status_code == 409
    for _n in range(2):
        taken = api.post(f"{path}withdraw/")
        assert (taken.status_code, taken.json()["state"]) == (200, "withdrawn")
    Delivery.objects.update(state="failed", withdraw_asked_at=None, reason="refused")
    assert api.get("deliveries/?state=failed").json()["results"][0]["reason"]["code"] == "refused"
    assert api.post(f"{path}retry/").json()["state"] == "queued"
    Delivery.objects.update(state="sent")
    assert api.post(f"{path}withdraw/").status_code == 409
