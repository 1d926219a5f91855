"""Opening a link: by POST, after the date of birth; five wrong ones lock it and ask the front desk to look after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import SYSTEM, acting_as
from accounts.permissions import Role
from clinic.clock import now
from clinic.db import lock_patients
from clinic.secrets import digest_of, new_secret
from forms_app import selectors
from forms_app.links import HELD_FOR, Link, address_mark
from forms_app.message import PURPOSE
from forms_app.models import FormRequest, FormTelling, SigningLink
from forms_app.telling import LEFT, tell_of_all
from messaging import services as messages
from messaging.models import Category, Delivery
from messaging.recipients import key_of
from worklist import services as worklist
from worklist.models import Task

MOST_WRONG = 5
AGAIN_AFTER = timedelta(minutes=10)
"""How soon one more link may be asked for."""
LOCKED_FOR = timedelta(days=30)
"""How long after a lock no link can be asked for; the front desk may send one at any time."""


@dataclass(frozen=True, slots=True)
class Opened:
    """How opening ended. `secret` is the browser's; else `problem` says why not: wrong, locked or used."""

    secret: str = ""
    problem: str = ""
    tries_left: int = 0


def typed_date(data: Mapping[str, str]) -> date | None:
    """Read a date typed as day, month and year; None if it is none."""
    parts = [data.get(name, "").strip() for name in ("year", "month", "day")]
    if not all(one.isascii() and one.isdecimal() and len(one) <= 4 for one in parts):
        return None
    try:
        return date(*(int(one) for one in parts))
    except ValueError:
        return None


@transaction.atomic
def open_link(link: Link, birth_date: date | None) -> Opened:
    """Spend a link for one browser. Where the patient's birth date is known, only with that date."""
    lock_patients([link.row.patient_id])
    row = SigningLink.objects.select_related("patient__clinic").get(pk=link.row.pk)
    if row.locked_at is not None:
        return Opened(problem="locked")
    if row.spent_at is not None:
        return Opened(problem="used")
    known = row.patient.birth_date
    if known is not None and birth_date != known:
        return _count_wrong(row)
    secret, moment = new_secret(), now()
    row.spent_at, row.held_until, row.holder_digest = moment, moment + HELD_FOR, digest_of(secret)
    row.save(update_fields=["spent_at", "held_until", "holder_digest"])
    audit.record("signing_link.spent", obj=row)
    return Opened(secret=secret)


def _count_wrong(row: SigningLink) -> Opened:
    row.wrong_dates += 1
    left = MOST_WRONG - row.wrong_dates
    if left > 0:
        row.save(update_fields=["wrong_dates"])
        audit.record("signing_link.refused", obj=row, detail={"left": left})
        return Opened(problem="wrong", tries_left=left)
    row.locked_at = now()
    row.save(update_fields=["wrong_dates", "locked_at"])
    audit.record("signing_link.locked", obj=row)
    _ask_front_desk(row)
    return Opened(problem="locked")


def _ask_front_desk(row: SigningLink) -> None:
    clinic = row.patient.clinic
    with acting_as(SYSTEM), translation.override(clinic.language):
        worklist.create(
            clinic=clinic,
            patient=row.patient,
            title=(_("A link to forms was locked: %(patient)s") % {"patient": row.patient})[:200],
            details=_(
                "A wrong date of birth was given %(count)d times. Call the person, check the address and the date of "
                "birth, and send the form again."
            )
            % {"count": MOST_WRONG},
            role=Role.FRONT_DESK,
            priority=Task.Priority.HIGH,
        )


@transaction.atomic
def send_again(row: SigningLink) -> Delivery | None:
    """Send a new link to the same reader, at the address that is on record; None if there is no reason to.

    For a link that was used or has ended, never after one was locked, and not more often than every ten minutes. What
    waits for this reader leaves now instead.
    """
    patient, contact_id = row.patient, row.contact_id
    lock_patients([patient.pk])
    moment, reader = now(), key_of(contact_id=contact_id)
    sent = Delivery.objects.filter(patient=patient, purpose=PURPOSE, recipient_key=reader)
    locked = SigningLink.objects.filter(patient=patient, contact=row.contact, locked_at__gt=moment - LOCKED_FOR)
    if (
        row.address_mark != address_mark(patient, row.contact)
        or not selectors.open_requests(patient.pk).exists()
        or locked.exists()
    ):
        return None
    waiting = sent.filter(state__in=Delivery.WAITING, withdraw_asked_at=None).order_by("pk")
    delivery = waiting.select_for_update(no_key=True).last()
    if delivery is not None and _is_on_its_way(delivery, moment):
        return None
    if delivery is None:
        left = Q(finished_at__gt=moment - AGAIN_AFTER, state__in=LEFT) | Q(state=Delivery.State.SENDING)
        if sent.filter(Q(created_at__gt=moment - AGAIN_AFTER) | left).exists():
            return None
        delivery = messages.queue_email(
            clinic_id=patient.clinic_id,
            patient_id=patient.pk,
            contact_id=contact_id,
            category=Category.TRANSACTIONAL,
            purpose=PURPOSE,
        )
    audit.record("signing_link.asked_again", obj=row)
    tell_of_all([delivery], moment, Category.TRANSACTIONAL)
    return delivery


def _is_on_its_way(delivery: Delivery, moment: datetime) -> bool:
    """Tell whether a message that waits leaves as soon as it can, held by no rule's pause and no no to surveys."""
    free = FormTelling.objects.filter(delivery=delivery, step=None, category=Category.TRANSACTIONAL)
    soon = delivery.state == Delivery.State.RETRY or delivery.not_before <= moment
    return soon and free.filter(request__status__in=FormRequest.OPEN).exists()
