"""What staff do with single messages: take a delivery back, note that a notification was read."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import current
from accounts.models import Membership
from accounts.permissions import require
from clinic.clock import ClinicNow
from clinic.db import lock_patients
from clinic.errors import ImpossibleTransition, Refused
from messaging import visibility
from messaging.models import Delivery, Notification
from messaging.services import withdraw_deliveries

State = Delivery.State


def withdraw_delivery(delivery: Delivery) -> Delivery:
    """Take back a delivery that has not left. Withdrawn already: nothing happens.

    One that is being sent can only be asked not to be tried again. Raises ImpossibleTransition for one that has ended.
    """
    require(delivery.clinic_id)
    with transaction.atomic():
        lock_patients([delivery.patient_id])
        changed = withdraw_deliveries([delivery.pk])
        stored = Delivery.objects.get(pk=delivery.pk)
        if changed:
            audit.record("delivery.withdrawn", obj=stored)
        elif stored.withdraw_asked_at is None:
            raise ImpossibleTransition(_("The delivery"), stored.get_state_display(), str(State.WITHDRAWN.label))
    return stored


def read_notification(notification: Notification) -> Notification:
    """Note that a notification was read: by its own reader, or by a program that shows it to them.

    Read already: nothing happens. Raises Refused for another person's.
    """
    require(notification.clinic_id)
    actor = current()
    if actor.kind == "user":
        mine = Membership.objects.filter(user_id=actor.user_id or 0, is_active=True, pk=notification.recipient_id or 0)
        if not mine.exists():
            raise Refused(_("This notification is for somebody else."), code="forbidden")
    with transaction.atomic():
        if Notification.objects.filter(pk=notification.pk, read_at=None).update(read_at=ClinicNow()):
            audit.record("notification.marked_read", obj=notification)
    return Notification.objects.annotate(is_visible=visibility.seen()).get(pk=notification.pk)
