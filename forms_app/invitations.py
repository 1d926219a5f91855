"""Messages about open forms: one for all that is asked within a minute, and for what waits to leave anyway."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from forms_app.message import PURPOSE
from forms_app.models import FormRequest, FormTemplate
from messaging import followup, services
from messaging.models import Category, Delivery
from messaging.recipients import key_of
from messaging.services import Email

TOGETHER = timedelta(minutes=1)
State = Delivery.State
UNSENT = (*Delivery.WAITING, State.SENDING)
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
        survey = self.request.template.kind == FormTemplate.Kind.SURVEY
        return Category.SURVEY if survey else Category.TRANSACTIONAL

    @property
    def slots(self) -> list[tuple[Slot, int | None]]:
        """List (patient, reader) with the contact."""
        return [((self.patient.pk, key_of(contact_id=pk)), pk) for pk in self.contact_ids]


def invite(wishes: Sequence[Wish]) -> dict[int, dict[str, Any]]:
    """Queue what is missing and share the rest; return, by step, the deliveries, or that there is no address.

    The caller holds the patients' locks. A request that was told of before and is still open is not told of again.
    """
    told = _told(wishes)
    shared = _shareable(wishes)
    also = [wish for wish in wishes if wish.request.pk in told and _tells_too(wish, told[wish.request.pk], shared)]
    wishes = [wish for wish in wishes if wish.request.pk not in told]
    fresh: dict[Slot, Email] = {}
    for wish in wishes:
        for slot, contact_id in wish.slots:
            if slot in shared:
                join(shared[slot], wish)
            else:
                fresh[slot] = _merged(fresh.get(slot), wish, contact_id)
    joined = [row for row in shared.values() if row.state in Delivery.WAITING]
    Delivery.objects.bulk_update(joined, ["category", "not_after"])
    by_slot = {**shared, **dict(zip(fresh, services.queue(fresh.values()), strict=True))}
    results = {wish.step_id: _remember(wish, by_slot) for wish in wishes}
    told_of = [wish.request for wish in (*also, *wishes) if wish.slots]
    FormRequest.objects.bulk_update(told_of, ["message", "told_by"])
    _ask_for_addresses(wish for wish in wishes if not wish.slots)
    return results


def _told(wishes: Sequence[Wish]) -> dict[int, Delivery]:
    """Find, by request, the message that told of it, or will; one called off while it is being sent may do neither."""
    ids = {wish.request.message_id for wish in wishes if wish.request.message_id is not None}
    lost = Q(state__in=GONE) | Q(state=State.SENDING, withdraw_asked_at__isnull=False)
    alive = {row.pk: row for row in Delivery.objects.filter(~lost, pk__in=ids)} if ids else {}
    return {wish.request.pk: alive[wish.request.message_id] for wish in wishes if wish.request.message_id in alive}


def _tells_too(wish: Wish, message: Delivery, shared: Mapping[Slot, Delivery]) -> bool:
    """Let the message that is to tell of the request stand for this step as well, should the first one stop.

    False: one that left needs nobody any more, and one that a person sent is taken back by no step.
    """
    if message.state not in UNSENT or not wish.request.told_by or wish.step_id in wish.request.told_by:
        return False
    wish.request.told_by = [*wish.request.told_by, wish.step_id]
    for slot, _contact in wish.slots:
        if slot in shared and shared[slot].source_step_id == message.source_step_id:
            join(shared[slot], wish)
    return True


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
    if delivery.not_after is not None:
        delivery.not_after = None if wish.not_after is None else max(delivery.not_after, wish.not_after)


def _merged(email: Email | None, wish: Wish, contact_id: int | None) -> Email:
    if email is not None and wish.category == Category.SURVEY:
        return email
    return Email(
        clinic_id=wish.request.clinic_id,
        patient_id=wish.patient.pk,
        category=wish.category,
        purpose=PURPOSE,
        contact_id=contact_id,
        not_before=wish.not_before,
        not_after=wish.not_after,
        source_step_id=wish.step_id if email is None else email.source_step_id,
    )


def _remember(wish: Wish, by_slot: Mapping[Slot, Delivery]) -> dict[str, Any]:
    deliveries = [by_slot[slot] for slot, _contact in wish.slots]
    if not deliveries:
        return {"deliveries": [], "note": "no_address"}
    wish.request.message, wish.request.told_by = deliveries[0], [wish.step_id]
    return {"deliveries": [str(row.pk) for row in deliveries]}


def _ask_for_addresses(wishes: Iterable[Wish]) -> None:
    """Have the front desk reach people whom no message can; for a survey alone nobody is bothered."""
    patients = [wish.patient for wish in wishes if wish.category == Category.TRANSACTIONAL]
    if patients:
        followup.ask_for_address({patient.clinic_id: patient.clinic for patient in patients}, patients)


def unsent(step_ids: Collection[int]) -> set[int]:
    """Name the steps whose message, or the one of a request that they told of, waits or is being sent."""
    tellers = _told_by(step_ids).values_list("told_by", flat=True)
    return {pk for many in tellers for pk in many}.intersection(step_ids) | services.unsent(step_ids)


def withdraw(step_ids: Collection[int]) -> int:
    """Take back the messages by which these steps told of requests, unless others tell of an open one by them."""
    told = list(_told_by(step_ids))
    mine = Q(source_step_id__in=step_ids) | Q(pk__in={request.message_id for request in told})
    rows = Delivery.objects.filter(mine, purpose=PURPOSE, state__in=UNSENT)
    others = _others(step_ids, rows)
    heirs = {message_id: tellers for message_id, _source, tellers in others}
    stopped = set(step_ids)
    for request in told:
        left = [pk for pk in request.told_by if pk not in stopped]
        theirs = heirs.get(request.message_id, [])  # a message that stays is that of the others alone from now on
        request.told_by = left or [pk for pk in theirs if pk not in stopped]
    FormRequest.objects.bulk_update(told, ["told_by"])
    sources = {source for _message, source, _tellers in others} - {None}
    gone = [row.pk for row in rows if row.pk not in heirs and row.source_step_id not in sources]
    return services.withdraw_deliveries(gone)


def limit(limits: Mapping[int, tuple[datetime, datetime | None]]) -> int:
    """Move the moments of the messages by which these steps told of requests, unless others tell of an open one too."""
    others = _others(limits, _told_by(limits).values("message_id"))
    shared = {source for _message, source, _tellers in others}
    return services.limit({step: moments for step, moments in limits.items() if step not in shared})


def _told_by(step_ids: Iterable[int]) -> Any:
    return FormRequest.objects.filter(told_by__overlap=list(step_ids), message__state__in=UNSENT)


def _others(step_ids: Iterable[int], messages: Any) -> list[tuple[int, int | None, list[int]]]:
    """Find the messages by which another step, or a person, tells of an open request: which step queued it, who tells.

    Who asked for the form does not matter: a request that was made in silence has no message of its own to keep.
    """
    sharers = FormRequest.objects.filter(status__in=FormRequest.OPEN, message__in=messages)
    theirs = sharers.filter(Q(told_by=[]) | ~Q(told_by__contained_by=list(step_ids)))
    return list(theirs.values_list("message_id", "message__source_step_id", "told_by"))
