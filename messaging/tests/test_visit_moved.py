"""A visit moves while its message is held by quiet hours: the message leaves in time, or says that it was too late."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from automations import ticking
from automations.tests.builders import move, published, visit
from automations.tests.executing import at_local
from clinic import clock
from messaging import selectors
from messaging.delivery import drain_due
from messaging.models import Delivery, Notification

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
NOTE = {"type": "send_notification", "to": "patient", "title": "Bring your shoes"}
MAIL = {"type": "send_email", "to": "patient", "template": "reminder"}


@pytest.fixture
def night(clinic):
    """Quiet hours from 21:00 to 08:00, half past ten in the evening."""
    clinic.quiet_start, clinic.quiet_end = time(21), time(8)
    clinic.save()
    return at_local(22, 30)


@pytest.fixture
def held(clinic, patient, night, reminder):
    """A visit in thirty hours, of which a notification and an email are held until the morning."""
    published(clinic, "appointment.booked", NOTE, MAIL)
    booked = visit(patient, starts_at=night + 30 * HOUR)
    ticking.drain_all()
    morning = night + 9.5 * HOUR
    note, delivery = Notification.objects.get(), Delivery.objects.get()
    assert abs(note.visible_at - morning) < HOUR / 60
    assert delivery.not_before == note.visible_at
    assert note.not_after == delivery.not_after == booked.starts_at
    return booked


def mail():
    drain_due()
    row = Delivery.objects.get()
    return row.state, row.reason


@pytest.mark.parametrize("hours", [8, 13])
def test_what_would_be_held_too_long_now_leaves_at_once(held, patient, night, mail_server, hours):
    move(held, starts_at=night + hours * HOUR)
    [note] = selectors.notifications_of_patient(patient)
    assert (note.title, note.not_after) == ("Bring your shoes", night + hours * HOUR)
    assert mail() == ("sent", "")


def test_what_is_held_short_enough_waits_for_the_morning(held, patient, night, mail_server):
    before = Notification.objects.get().visible_at
    move(held, starts_at=night + 29 * HOUR)
    assert (Notification.objects.get().visible_at, Delivery.objects.get().not_before) == (before, before)
    assert selectors.notifications_of_patient(patient).count() == 0
    assert mail() == ("queued", "")


def test_a_visit_moved_later_takes_what_is_held_along(held, night):
    before = Notification.objects.get().visible_at
    move(held, starts_at=night + 50 * HOUR)
    note, delivery = Notification.objects.get(), Delivery.objects.get()
    assert (note.visible_at, note.not_after) == (before, night + 50 * HOUR)
    assert (delivery.not_before, delivery.not_after) == (before, night + 50 * HOUR)


def test_nothing_appears_of_a_visit_that_has_begun_by_its_new_time(held, patient, night, mail_server):
    move(held, starts_at=clock.now() - HOUR)
    note = Notification.objects.get()
    assert (note.withdrawn_at is None, note.withdrawn_reason) == (False, "too_late")
    assert mail() == ("suppressed", "too_late")
    clock.advance_to(night + 12 * HOUR)
    assert selectors.notifications_of_patient(patient).count() == 0


def test_nothing_leaves_of_a_visit_that_was_far_away_and_has_begun_by_its_new_time(
    clinic, patient, night, reminder, mail_server
):
    """More than three days ahead, the visit was no limit to its message yet."""
    published(clinic, "appointment.booked", NOTE, MAIL)
    booked = visit(patient, starts_at=night + 200 * HOUR)
    ticking.drain_all()
    assert Delivery.objects.get().not_after < booked.starts_at

    move(booked, starts_at=night - HOUR)

    clock.advance_to(night + 10 * HOUR)
    assert mail() == ("suppressed", "too_late")
    assert selectors.notifications_of_patient(patient).count() == 0


def test_what_could_be_seen_before_the_visit_moved_stays(held, patient, night):
    clock.advance_to(night + 10 * HOUR)
    move(held, starts_at=night + 9 * HOUR)
    assert selectors.notifications_of_patient(patient).count() == 1


def test_the_pause_between_two_attempts_is_kept_when_the_visit_moves(held, night):
    later = night + 2 * HOUR
    Delivery.objects.update(state="retry", not_before=later)
    move(held, starts_at=night + 8 * HOUR)
    assert (Delivery.objects.get().not_before, Delivery.objects.get().not_after) == (later, night + 8 * HOUR)
