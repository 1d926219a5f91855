"""Messages about open forms: one for all that is asked within a minute, and for what waits to leave anyway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from forms_app.message import PURPOSE
from forms_app.models import FormRequest, FormTelling
from forms_app.telling import LEFT, UNSENT, category_of, refresh
from messaging import followup, services
from messaging.models import Category, Delivery
from messaging.recipients import key_of
from messaging.services import Email

TOGETHER = timedelta(minutes=1)
State = Delivery.State
GONE = (State.WITHDRAWN, State.SUPPRESSED, State.FAILED)
Slot = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Tell a patient of a request; `contact_ids` are the readers with an address (None: the patient), maybe none.

    `step_id` is 0 where a person wishes it (forms_app/reminding.py).
    """

    request: FormRequest
    patient: Any
    contact_ids: tuple[int | None, ...]
    step_id: int
    moment: datetime
    not_before: datetime | None = None
    not_after: datetime | None = None

    @property
    def category(self) -> Category:
        """Name the category: a survey's own, else transactional."""
        return category_of(self.request.template)

    @property
    def slots(self) -> list[tuple[Slot, int | None]]:
        """List (patient, reader) with the contact."""
        return [((self.patient.pk, key_of(contact_id=pk)), pk) for pk in self.contact_ids]


def invite(wishes: Sequence[Wish]) -> dict[int, dict[str, Any]]:
    """Queue what is missing and share the rest; return, by step, the deliveries, or that there is no address.

    The caller holds the patients' locks. A reader who was told of a request that is still open is not told again; a
    message of it that waits stands from now on for whoever else wants to tell of it.
    """
    there = shareable(wishes)
    told = _told(wishes)
    lacking = {wish.step_id: [one for one in wish.slots if (wish.request.pk, one[0][1]) not in told] for wish in wishes}
    by_slot = there | queue_missing(wishes, there, lacking)
    carried: dict[int, list[Delivery]] = {}
    for wish in wishes:
        waiting = [row for (request, _key), row in told.items() if request == wish.request.pk and row.state in UNSENT]
        carried[wish.step_id] = [*waiting, *(by_slot[slot] for slot, _contact in lacking[wish.step_id])]
    _remember(wishes, carried)
    known = {request for request, _key in told}
    _ask_for_addresses(wish for wish in wishes if not wish.slots and wish.request.pk not in known)
    return {wish.step_id: _result(carried[wish.step_id], told=wish.request.pk in known) for wish in wishes}


def shareable(wishes: Sequence[Wish]) -> dict[Slot, Delivery]:
    """Find and lock the newest message of each reader that a request may share: one that waits, or has just left.

    Locked, because its sender may be ending it just now: what is to say more must not be said to have nothing to say.
    """
    if not wishes:
        return {}
    since = min(wish.moment for wish in wishes) - TOGETHER
    just_now = Q(created_at__gte=since) & ~Q(state__in=GONE)
    rows = Delivery.objects.filter(just_now | Q(state__in=UNSENT), purpose=PURPOSE, recipient=None)
    rows = rows.filter(patient_id__in={wish.patient.pk for wish in wishes}, withdraw_asked_at=None)
    return {(row.patient_id, row.recipient_key): row for row in rows.order_by("pk").select_for_update(no_key=True)}


def _told(wishes: Sequence[Wish]) -> dict[tuple[int, str], Delivery]:
    """Find, by request and reader, the message by which they were told or are to be.

    One that is lost told nobody, nor did one that waits for others alone. One that is called off while it is being sent
    may leave or not, so it tells of nothing.
    """
    lost = Q(delivery__state__in=GONE) | Q(delivery__state=State.SENDING, delivery__withdraw_asked_at__isnull=False)
    counts = Q(stopped_at=None) | Q(delivery__state__in=LEFT)
    rows = FormTelling.objects.filter(counts, ~lost, request__in={wish.request.pk for wish in wishes})
    rows = rows.select_related("delivery").defer("delivery__body_text", "delivery__body_html").order_by("pk")
    return {(line.request_id, line.delivery.recipient_key): line.delivery for line in rows}


def queue_missing(
    wishes: Sequence[Wish], there: Mapping[Slot, Delivery], lacking: Mapping[int, Sequence[tuple[Slot, int | None]]]
) -> dict[Slot, Delivery]:
    """Queue a message to each reader who lacks one, in the name of the first who wishes it."""
    fresh: dict[Slot, Email] = {}
    for wish in wishes:
        for slot, contact_id in lacking[wish.step_id]:
            if slot not in there:
                fresh.setdefault(slot, _email(wish, contact_id))
    return dict(zip(fresh, services.queue(fresh.values()), strict=True))


def _remember(wishes: Sequence[Wish], carried: Mapping[int, Sequence[Delivery]]) -> None:
    """Write down by which deliveries each wish tells of its request, and make them what all want who tell by them.

    They leave from when the first of all wants it.
    """
    lines = [
        FormTelling(
            clinic_id=wish.request.clinic_id,
            request=wish.request,
            delivery=row,
            step_id=wish.step_id,
            category=wish.category,
            not_after=wish.not_after,
        )
        for wish in wishes
        for row in carried[wish.step_id]
    ]
    FormTelling.objects.bulk_create(lines, ignore_conflicts=True)  # said before, it stands
    refresh(line.delivery_id for line in lines)
    earliest: dict[int, datetime] = {}
    for wish in wishes:
        begin = wish.not_before or wish.moment
        earliest |= {row.pk: min(begin, earliest.get(row.pk, begin)) for row in carried[wish.step_id]}
    services.bring_forward(earliest)
    told = [wish for wish in wishes if carried[wish.step_id]]
    for wish in told:
        wish.request.message = carried[wish.step_id][0]
    FormRequest.objects.bulk_update([wish.request for wish in told], ["message"])


def _result(deliveries: Sequence[Delivery], *, told: bool) -> dict[str, Any]:
    if told and not deliveries:
        return {}
    return {"deliveries": [str(row.pk) for row in deliveries]} | ({} if deliveries else {"note": "no_address"})


def _email(wish: Wish, contact_id: int | None) -> Email:
    return Email(
        clinic_id=wish.request.clinic_id,
        patient_id=wish.patient.pk,
        category=wish.category,
        purpose=PURPOSE,
        contact_id=contact_id,
        not_before=wish.not_before,
        not_after=wish.not_after,
        source_step_id=wish.step_id or None,
    )


def _ask_for_addresses(wishes: Iterable[Wish]) -> None:
    """Have the front desk reach people whom no message can; for a survey alone nobody is bothered."""
    patients = [wish.patient for wish in wishes if wish.category == Category.TRANSACTIONAL]
    if patients:
        followup.ask_for_address({patient.clinic_id: patient.clinic for patient in patients}, patients)
