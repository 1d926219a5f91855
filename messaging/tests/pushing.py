"""What the tests of web push ask of the one delivery that there is."""

from clinic import clock
from messaging.models import Delivery, DeliveryAttempt

SECRET_WORDS = "Painful knee: score nine"


def only():
    """Return the one delivery that there is."""
    [delivery] = Delivery.objects.all()
    return delivery


def state():
    return only().state, only().reason


def attempts():
    return list(DeliveryAttempt.objects.order_by("number").values_list("number", "outcome"))


def make_due():
    """Let the pause before the next attempt pass."""
    Delivery.objects.update(not_before=clock.now())
