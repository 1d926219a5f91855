"""The fact patient.messages_received: what a patient got in a window, of one category or of all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from automations.facts import read_patients
from messaging.models import Delivery, Notification
from messaging.tests.builders import make_step
from patients.models import Contact

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # 14:00 in Bucharest
HOUR = timedelta(hours=1)


def received(patient, amount=1, unit="weeks", **params):
    ask = ("patient.messages_received", {"window": {"amount": amount, "unit": unit}, **params})
    [value] = read_patients([patient.pk], [ask], NOON)[patient.pk].values()
    return value


@pytest.fixture
def sent(queue, patient):
    """Return a function that makes a delivery which left so many hours ago."""

    def sent(hours, state="sent", **changes):
        row = queue(**changes)
        Delivery.objects.filter(pk=row.pk).update(state=state, finished_at=NOON - hours * HOUR)

    return sent


def test_a_patient_who_got_nothing_got_nothing(patient):
    assert received(patient) == 0


def test_mails_and_notifications_are_counted_by_category(patient, sent):
    sent(1)
    sent(30, category="survey")
    Notification.objects.create(clinic=patient.clinic, patient=patient, title="x", visible_at=NOON - HOUR)
    assert received(patient) == 3
    assert [received(patient, category=one) for one in ("transactional", "clinical", "survey", "marketing")] == [
        *(1, 1, 1, 0)
    ]


def test_hours_are_elapsed_and_days_are_the_clinics(patient, sent):
    for hours in (23.9, 24.1, 13.9, 14.1):
        sent(hours)
    assert received(patient, 24, "hours") == 3
    assert received(patient, 1, "days") == 1  # since midnight in Bucharest, fourteen hours ago


@pytest.mark.parametrize("state", ["queued", "retry", "sending", "failed", "suppressed", "withdrawn"])
def test_what_did_not_leave_is_not_counted_and_what_may_have_left_is(patient, sent, state):
    sent(1, state)
    sent(1, "unknown")
    assert received(patient) == 1


def test_neither_what_staff_got_nor_what_is_still_ahead_or_was_taken_back(patient, sent, specialist, stranger_patient):
    sent(1, recipient_id=specialist.pk)
    given = {"clinic": patient.clinic, "patient": patient, "title": "x"}
    Notification.objects.create(**given, visible_at=NOON - HOUR, recipient=specialist)
    Notification.objects.create(**given, visible_at=NOON + HOUR)
    Notification.objects.create(**given, visible_at=NOON - HOUR, withdrawn_at=NOON - 2 * HOUR)
    assert (received(patient), received(stranger_patient)) == (0, 0)


def test_one_message_to_both_parents_is_one(patient, sent):
    step = make_step("send_email", patient)
    for name in ("Mihai", "Elena"):
        parent = Contact.objects.create(clinic=patient.clinic, patient=patient, name=name, relation="parent")
        sent(1, source_step_id=step.id, contact_id=parent.pk)
    assert received(patient) == 1
