"""Messages about open forms: one for all that is asked within a minute, and for what waits to leave anyway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from forms_app.message import PURPOSE
from forms_app.models import FormRequest, FormTelling
from forms_app.telling import UNSENT, category_of
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
    """Tell a patient of a request; `contact_ids` are the readers with an address (None: the patient), maybe none."""

    request: FormRequest
    patient: Any
    contact_ids: tuple[int | None, ...]
    step_id: int
    moment: datetime
    not_before: datetime | None = None
    not_after: datetime | None = None

    @property
    def category(self) -> str:
        """Name the category: a survey's own, else transactional."""
        return category_of(self.request.template)

    @property
    def slots(self) -> list[tuple[Slot, int | None]]:
        """List (patient, reader) with the contact."""
        return [((self.patient.pk, key_of(contact_id=pk)), pk) for pk in self.contact_ids]


def invite(wishes: Sequence[Wish]) -> dict[int, dict[str, Any]]:
    """Queue what is missing and share the rest; return, by step, the deliveries, or that there is no address.

    The caller holds the patients' locks. A request that was told of before and is still open is not told of again; a
    message of it that waits stands from now on for whoever else wants to tell of it.
    """
    told, shared = _told(wishes), _shareable(wishes)
    rows = {row.pk: row for row in shared.values()}
    new = [wish for wish in wishes if wish.request.pk not in told]
    fresh: dict[Slot, Email] = {}
    for wish in new:
        for slot, contact_id in wish.slots:
            if slot not in shared:
                fresh[slot] = _merged(fresh.get(slot), wish, contact_id)
    by_slot = {**shared, **dict(zip(fresh, services.queue(fresh.values()), strict=True))}
    carried = {wish.step_id: [by_slot[slot] for slot, _contact in wish.slots] for wish in new}
    for wish in wishes:
        if wish.request.pk in told:
            mine = {line.delivery_id: line.delivery for line in told[wish.request.pk]}
            carried[wish.step_id] = [rows.setdefault(pk, row) for pk, row in mine.items() if row.state in UNSENT]
    for wish in wishes:
        for row in carried[wish.step_id]:
            if row.pk in rows:
                join(row, wish)
    Delivery.objects.bulk_update([row for row in rows.values() if row.state in UNSENT], ["category", "not_after"])
    remember(wishes, carried)
    _ask_for_addresses(wish for wish in new if not wish.slots)
    return {wish.step_id: _result(carried[wish.step_id], told=wish.request.pk in told) for wish in wishes}


def _told(wishes: Sequence[Wish]) -> dict[int, list[FormTelling]]:
    """Find, by request, who told of it or is to, by messages that are not lost.

    One that is called off while it is being sent may leave or not, so it tells of nothing.
    """
    lost = Q(delivery__state__in=GONE) | Q(delivery__state=State.SENDING, delivery__withdraw_asked_at__isnull=False)
    found: dict[int, list[FormTelling]] = {}
    rows = FormTelling.objects.filter(~lost, request__in={wish.request.pk for wish in wishes})
    for line in rows.select_related("delivery").order_by("pk"):
        found.setdefault(line.request_id, []).append(line)
    return found


def remember(wishes: Sequence[Wish], carried: Mapping[int, Sequence[Delivery]]) -> None:
    """Write down by which deliveries each wish tells of its request."""
    wanted = {(wish.request.pk, row.pk, wish.step_id or None): wish for wish in wishes for row in carried[wish.step_id]}
    there = FormTelling.objects.filter(
        request__in={request for request, _row, _step in wanted}, delivery__in={row for _request, row, _step in wanted}
    )
    known = set(there.values_list("request_id", "delivery_id", "step_id")) if wanted else set()
    FormTelling.objects.bulk_create(
        FormTelling(
            clinic_id=wish.request.clinic_id, request=wish.request, delivery_id=row, step_id=step,
            not_after=wish.not_after,
        )
        for (request, row, step), wish in wanted.items()
        if (request, row, step) not in known
    )  # fmt: skip
    told = [wish for wish in wishes if carried[wish.step_id]]
    for wish in told:
        wish.request.message = carried[wish.step_id][0]
    FormRequest.objects.bulk_update([wish.request for wish in told], ["message"])


def _result(deliveries: Sequence[Delivery], *, told: bool) -> dict[str, Any]:
    if told and not deliveries:
        return {}
    return {"deliveries": [str(row.pk) for row in deliveries]} | ({} if deliveries else {"note": "no_address"})


def _shareable(wishes: Sequence[Wish]) -> dict[Slot, Delivery]:
    """Find the newest message of each reader that a request may share."""
    if not wishes:
        return {}
    since = min(wish.moment for wish in wishes) - TOGETHER
    just_now = Q(created_at__gte=since) & ~Q(state__in=GONE)
    rows = Delivery.objects.filter(just_now | Q(state__in=Delivery.WAITING), purpose=PURPOSE, recipient=None)
    rows = rows.filter(patient_id__in={wish.patient.pk for wish in wishes}, withdraw_asked_at=None)
    return {(row.patient_id, row.recipient_key): row for row in rows.order_by("pk")}


def join(delivery: Delivery, wish: Wish) -> None:
    """Let a waiting message speak for one more request: the weightier category, and the later end."""
    if wish.category == Category.TRANSACTIONAL:
        delivery.category = wish.category
    delivery.not_after = _later(delivery.not_after, wish.not_after)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)


def _merged(email: Email | None, wish: Wish, contact_id: int | None) -> Email:
    if email is not None:
        category = wish.category if wish.category == Category.TRANSACTIONAL else email.category
        return replace(email, category=category, not_after=_later(email.not_after, wish.not_after))
    return Email(
        clinic_id=wish.request.clinic_id,
        patient_id=wish.patient.pk,
        category=wish.category,
        purpose=PURPOSE,
        contact_id=contact_id,
        not_before=wish.not_before,
        not_after=wish.not_after,
        source_step_id=wish.step_id,
    )


def _ask_for_addresses(wishes: Iterable[Wish]) -> None:
    """Have the front desk reach people whom no message can; for a survey alone nobody is bothered."""
    patients = [wish.patient for wish in wishes if wish.category == Category.TRANSACTIONAL]
    if patients:
        followup.ask_for_address({patient.clinic_id: patient.clinic for patient in patients}, patients)
