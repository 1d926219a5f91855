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
    wishes = [wish for wish in wishes if wish.request.pk not in told]
    shared = _shareable(wishes)
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
    FormRequest.objects.bulk_update([wish.request for wish in wishes if wish.slots], ["message", "told_by"])
    _ask_for_addresses(wish for wish in wishes if not wish.slots)
    return results


def _told(wishes: Sequence[Wish]) -> set[int]:
    ids = {wish.request.message_id for wish in wishes if wish.request.message_id is not None}
    alive = (
        set(Delivery.objects.filter(pk__in=ids).exclude(state__in=GONE).values_list("pk", flat=True)) if ids else ids
    )
    return {wish.request.pk for wish in wishes if wish.request.message_id in alive}


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
    wish.request.message, wish.request.told_by = deliveries[0], wish.step_id
    return {"deliveries": [str(row.pk) for row in deliveries]}


def _ask_for_addresses(wishes: Iterable[Wish]) -> None:
    """Have the front desk reach people whom no message can; for a survey alone nobody is bothered."""
    patients = [wish.patient for wish in wishes if wish.category == Category.TRANSACTIONAL]
    if patients:
        followup.ask_for_address({patient.clinic_id: patient.clinic for patient in patients}, patients)


def unsent(step_ids: Collection[int]) -> set[int]:
    """Name the steps whose message, or the one of a request that they told of, waits or is being sent."""
    rows = _told_by(step_ids).filter(message__state__in=(*Delivery.WAITING, State.SENDING))
    return set(rows.values_list("told_by", flat=True)) | services.unsent(step_ids)


def withdraw(step_ids: Collection[int]) -> int:
    """Take back the messages by which these steps told of requests, unless others tell of an open one by them."""
    mine = Q(source_step_id__in=step_ids) | Q(pk__in=_told_by(step_ids).values("message_id"))
    rows = Delivery.objects.filter(mine, purpose=PURPOSE, state__in=(*Delivery.WAITING, State.SENDING))
    others = _others(step_ids, rows)
    for message_id, (_source, heir) in others.items():
        _told_by(step_ids).filter(message=message_id).update(told_by=heir)  # from now on it is theirs alone
    kept = {source for source, _heir in others.values()}
    return services.withdraw_deliveries([row.pk for row in rows if row.source_step_id not in kept])


def limit(limits: Mapping[int, tuple[datetime, datetime | None]]) -> int:
    """Move the moments of the messages by which these steps told of requests, unless others tell of an open one too."""
    shared = {source for source, _heir in _others(limits, _told_by(limits).values("message_id")).values()}
    return services.limit({step: moments for step, moments in limits.items() if step not in shared})


def _told_by(step_ids: Iterable[int]) -> Any:
    return FormRequest.objects.filter(told_by__in=list(step_ids), message__isnull=False)


def _others(step_ids: Iterable[int], messages: Any) -> dict[int, tuple[int | None, int | None]]:
    """Find the messages by which another step, or a person, tells of an open request: which step queued it, who tells.

    Who asked for the form does not matter: a request that was made in silence has no message of its own to keep.
    """
    sharers = FormRequest.objects.filter(status__in=FormRequest.OPEN, message__in=messages)
    theirs = sharers.filter(Q(told_by=None) | ~Q(told_by__in=list(step_ids)))
    return {
        pk: (source, teller)
        for pk, source, teller in theirs.values_list("message_id", "message__source_step_id", "told_by")
    }
