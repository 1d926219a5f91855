"""What the tests of deliveries share."""

from __future__ import annotations

from clinic import clock
from messaging import delivery as sending
from messaging.models import Delivery, DeliveryAttempt


def state_of(delivery):
    fresh = Delivery.objects.get(pk=delivery.pk)
    return fresh.state, fresh.reason


def attempts_of(delivery):
    return list(DeliveryAttempt.objects.filter(delivery=delivery).values_list("number", "outcome"))


def send(held):
    """Carry a claimed delivery through, as a worker does."""
    with sending.Mailer() as mailer:
        return sending._deliver(held, mailer)


def prepare(held):
    """Bring a claimed delivery to where the conversation begins."""
    prepared = sending._prepare(held)
    assert prepared is not None
    return prepared


def make_due(delivery):
    """Let the pause before the next attempt pass."""
    Delivery.objects.filter(pk=delivery.pk).update(not_before=clock.now())
