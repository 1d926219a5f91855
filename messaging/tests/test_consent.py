"""Consent to messages: asked at the step, and again when a delivery is claimed and when its attempt begins."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automations.engine.declare import catalog
from clinic import clock
from messaging import delivery as sending
from messaging import leases, selectors
from messaging.models import Delivery, DeliveryAttempt, MessageTemplate, Notification
from messaging.tests.builders import make_step
from patients import services as patients
from worklist.models import Task

pytestmark = pytest.mark.django_db
ASKED = [("Reach the person otherwise: Maria Marin", "front_desk")]


def say(patient, category, granted, channel="email"):
    patients.set_consents(patient, [{"category": category, "channel": channel, "granted": granted}])


def email_step(patient, category):
    MessageTemplate.objects.filter(slug="reminder").update(category=category)
    return make_step("send_email", patient, params={"template": "reminder", "to": "patient"})


def note_step(patient, **changes):
    words = {"to": "patient", "title": "Well done", "body": ""}
    return make_step("send_notification", patient, params=words, **changes)


def guarded(step):
    return {pk: refusal.code for pk, refusal in catalog.actions[step.action].guard([step]).items()}


def tasks():
    return list(Task.objects.order_by("pk").values_list("title", "role"))


def state_of(delivery):
    delivery.refresh_from_db()
    return delivery.state, delivery.reason


# --- at the step ---


@pytest.mark.parametrize("category", ["transactional", "clinical", "survey", "marketing"])
def test_while_nothing_is_said_only_marketing_is_refused(patient, reminder, category):
    step = email_step(patient, category)
    assert guarded(step) == ({step.id: "no_consent"} if category == "marketing" else {})
    assert tasks() == []


@pytest.mark.parametrize(
    ("category", "asked"),
    [
        ("transactional", ASKED),
        ("clinical", ASKED),
        ("survey", []),
        ("marketing", []),
    ],
)
def test_what_is_refused_is_skipped_and_what_care_depends_on_becomes_one_task(patient, reminder, category, asked):
    say(patient, category, False)
    for _ in range(2):
        step = email_step(patient, category)
        assert guarded(step) == {step.id: "no_consent"}
    assert tasks() == asked
    assert Delivery.objects.count() == 0


def test_marketing_leaves_after_a_yes(patient, reminder):
    say(patient, "marketing", True)
    assert guarded(email_step(patient, "marketing")) == {}


def test_a_no_to_one_way_is_none_to_another(patient, reminder):
    say(patient, "clinical", False, channel="in_platform")
    assert guarded(email_step(patient, "clinical")) == {}
    step = note_step(patient)
    assert guarded(step) == {step.id: "no_consent"}
    assert Notification.objects.count() == 0


def test_staff_are_told_whatever_the_patient_says(patient, specialist, reminder):
    say(patient, "clinical", False, channel="in_platform")
    say(patient, "transactional", False)
    patient = patients.assign_specialist(patient, specialist=specialist)
    words = {"to": "specialist", "title": "Look", "body": ""}
    assert guarded(make_step("send_notification", patient, role="specialist", params=words)) == {}
    mail = {"template": "reminder", "to": "specialist"}
    assert guarded(make_step("send_email", patient, role="specialist", params=mail)) == {}


# --- when it leaves ---


def test_a_no_after_the_step_suppresses_the_delivery_and_nothing_leaves(patient, queue, mail_server):
    wanted, refused = queue(), queue(category="survey")
    say(patient, "survey", False)
    sending.drain_due()
    assert (state_of(wanted), state_of(refused)) == (("sent", ""), ("suppressed", "no_consent"))
    assert len(mail_server.taken) == 1
    assert DeliveryAttempt.objects.filter(delivery=refused).count() == 0
    assert tasks() == []


def test_what_care_depends_on_becomes_a_task_then_too(patient, queue, mail_server):
    delivery = queue()
    say(patient, "transactional", False)
    sending.drain_due()
    assert state_of(delivery) == ("suppressed", "no_consent")
    assert tasks() == ASKED


def test_a_no_while_the_message_is_being_made_comes_in_time(patient, queue, mail_server):
    delivery = queue(category="survey")
    [held] = leases.claim(1)
    row = leases.mine(held).get()
    say(patient, "survey", False)
    content = sending.Content("Hello", "Hello", "<p>Hello</p>", "en")
    assert sending._begin(held, delivery, "maria@patients.example", content) is False
    leases.release([held])
    assert state_of(row) == ("queued", "")
    clock.advance_to(clock.now() + timedelta(seconds=10))
    sending.drain_due()
    assert state_of(delivery) == ("suppressed", "no_consent")
    assert mail_server.taken == []


def test_a_yes_again_before_it_leaves_counts(patient, queue, mail_server):
    delivery = queue(category="survey")
    say(patient, "survey", False)
    say(patient, "survey", True)
    sending.drain_due()
    assert state_of(delivery) == ("sent", "")


def test_a_notification_that_nobody_could_see_yet_goes_with_the_consent(patient):
    soon = clock.now() + timedelta(minutes=1)
    action = catalog.actions["send_notification"]
    action.perform([note_step(patient)])
    action.perform([note_step(patient, not_before=soon)])
    say(patient, "survey", False, channel="in_platform")
    say(patient, "clinical", False, channel="email")
    assert Notification.objects.filter(withdrawn_at=None).count() == 2
    say(patient, "clinical", False, channel="in_platform")
    clock.advance_to(soon + timedelta(seconds=1))
    assert [note.withdrawn_reason for note in Notification.objects.order_by("pk")] == ["", "no_consent"]
    assert selectors.notifications_of_patient(patient).count() == 1
