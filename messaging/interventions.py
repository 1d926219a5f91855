"""What people do to a single delivery beside trying it again (services.retry_failed): take it back while it waits."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.permissions import require
from clinic.db import lock_patients
from clinic.errors import ImpossibleTransition
from messaging.handling import withdraw_delivery
from messaging.models import Delivery

State = Delivery.State


def is_retriable(delivery: Delivery) -> bool:
    """Tell whether somebody may have a delivery tried again, as far as its state goes."""
    return delivery.state in Delivery.ENDED_BADLY and delivery.withdraw_asked_at is None


def is_waiting(delivery: Delivery) -> bool:
    """Tell whether a delivery can still be taken back."""
    return delivery.state in Delivery.WAITING and delivery.withdraw_asked_at is None


@transaction.atomic
def take_back(delivery: Delivery) -> Delivery:
    """Take a waiting delivery back, so that it never leaves; taken back already: nothing happens.

    Other than `withdraw_delivery`, it refuses one that is being sent: nobody could be told how that ends. One that may
    have left before ends as unknown. Raises ImpossibleTransition for one that waits no more.
    """
    require(delivery.clinic_id)
    lock_patients([delivery.patient_id])
    stored: Delivery = Delivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
    if stored.state == State.WITHDRAWN:
        return stored
    if not is_waiting(stored):
        raise ImpossibleTransition(_("The delivery"), stored.get_state_display(), str(State.WITHDRAWN.label))
    return withdraw_delivery(stored)
