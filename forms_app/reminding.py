"""Telling patients of a form by hand: when staff ask for it, and when they send it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.permissions import require
from clinic.clock import now
from clinic.errors import Refused
from forms_app.invitations import Wish, queue_missing, shareable
from forms_app.lifecycle import locked
from forms_app.models import FormRequest, FormTemplate
from forms_app.requesting import CREATED, Requested, request_form
from forms_app.telling import tell_of_all
from messaging import reasons
from messaging.automation import may_write
from messaging.models import Delivery
from messaging.recipients import a_contact, the_patient
from messaging.selectors import messages_to
from patients.categories import Channel
from patients.consents import unwanted
from patients.models import Contact
from patients.selectors import message_recipients


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that staff made, how it came (see `Requested`), and why nobody was told of it (empty: somebody was)."""

    request: FormRequest
    outcome: str
    obstacle: str = ""


def ask_and_tell(
    *, clinic: Any, patient: Any, template: FormTemplate, due_at: datetime | None, blocking: bool, tell: bool = True
) -> Asked:
    """Ask a patient for a form and send the link; the request stands even if no message can be sent."""
    requested = request_form(clinic=clinic, patient=patient, template=template, due_at=due_at, blocking=blocking)
    obstacle = ""
    if tell and requested.request.status in FormRequest.OPEN:
        obstacle = _try_to_tell(requested)
    return Asked(requested.request, requested.outcome, obstacle)


def _try_to_tell(requested: Requested) -> str:
    try:
        send_again(requested.request, noun="form.sent" if requested.outcome == CREATED else "form.reminded")
    except Refused as refused:
        return refused.message
    return ""


def send_again(request: FormRequest, *, noun: str = "form.reminded") -> Delivery:
    """Send the link to all that is open once more, and return the (first) message.

    One that waits already, or left within the last minute, is not doubled; quiet hours hold it. Raises Refused: the
    form is not open, nobody has an address, the patient wants no surveys, or had as many as the clinic allows.
    """
    require(request.clinic_id)
    with transaction.atomic():
        fresh = locked(request)
        if fresh.status not in FormRequest.OPEN:
            message = _("This form is %(state)s; there is nothing to remind of.")
            raise Refused(message % {"state": fresh.get_status_display()}, code="not_open")
        wish = Wish(
            request=fresh,
            patient=fresh.patient,
            contact_ids=_readers(fresh),
            step_id=0,
            moment=now(),
            not_before=may_write.Calendar(fresh.patient, ()).opens(now()),
        )
        _may_leave(wish)
        deliveries = _queue(wish)
        tell_of_all(deliveries, wish.not_before or wish.moment)
        audit.record(noun, obj=fresh, detail={"deliveries": [row.pk for row in deliveries]})
    return deliveries[0]


def _readers(request: FormRequest) -> tuple[int | None, ...]:
    """Name the readers who have an address: None is the patient."""
    patient, found = request.patient, []
    for one in message_recipients(patient, now()):
        is_contact = isinstance(one, Contact)
        reader = a_contact(one, patient, patient.clinic) if is_contact else the_patient(one, patient.clinic)
        if reader.address:
            found.append(one.pk if is_contact else None)
    return tuple(found)


def _may_leave(wish: Wish) -> None:
    patient = wish.patient
    if not patient.is_active:
        raise Refused(_("This patient has left the clinic's care."), code="patient_inactive")
    if not wish.contact_ids:
        raise Refused(reasons.words("no_address"), code="no_address")
    if unwanted([(patient.pk, wish.category, Channel.EMAIL)]):
        raise Refused(reasons.words("no_consent"), code="no_consent")


def _must_have_room(wish: Wish) -> None:
    """Refuse what would be a message more than the clinic allows on the day on which it would leave."""
    patient = wish.patient
    caps = may_write.caps_of(patient.clinic, wish.category)
    if not caps:
        return
    received = messages_to([patient.pk], since=wish.moment - may_write.LOOK_BACK).get(patient.pk, ())
    days = may_write.Calendar(patient, received)
    if not days.has_room(caps, days.opens(wish.moment) or wish.moment):
        raise Refused(_("The patient had as many messages as the clinic allows for now."), code="capped")


def _queue(wish: Wish) -> list[Delivery]:
    slots = [slot for slot, _contact in wish.slots]
    there = shareable([wish])
    if set(slots) - there.keys():  # what joins a message that waits is none of its own
        _must_have_room(wish)
    by_slot = there | queue_missing([wish], there, {wish.step_id: wish.slots})
    return sorted((by_slot[slot] for slot in slots), key=lambda row: row.pk, reverse=True)
