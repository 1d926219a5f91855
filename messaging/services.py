"""The verbs of messaging that write rows: queue, notify, withdraw, try again, mark as read. Sending is delivery.py."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Least
from django.utils.translation import gettext as _

from accounts import audit
from accounts.permissions import require
from clinic.clock import ClinicNow, now
from clinic.db import lock_patients
from clinic.errors import ImpossibleTransition, Refused
from clinic.wakeups import wake
from messaging import digest, purposes, reasons, subscriptions, visibility
from messaging.models import Category, Delivery, Notification
from messaging.recipients import key_of
from messaging.templates import Body, archive_template, restore_template, save_template

__all__ = [
    "Body",
    "Email",
    "Note",
    "archive_template",
    "bring_forward",
    "limit",
    "mark_all_read",
    "mark_read",
    "new_message_id",
    "notify",
    "queue",
    "queue_email",
    "restore_template",
    "retry_failed",
    "save_template",
    "unsent",
    "withdraw",
    "withdraw_deliveries",
]  # fmt: skip

State = Delivery.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """One email to be queued, to the patient, or to a contact or a person of the staff if one is named.

    `purpose` says who puts it into words when it leaves (messaging.purposes); "template" needs `template_id`. `context`
    is kept with it: subject_type, subject_id, facts, and whatever the purpose needs; ids and codes, no free text.
    """

    clinic_id: int
    patient_id: int
    category: str
    purpose: str = "template"
    template_id: int | None = None
    contact_id: int | None = None
    recipient_id: int | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    not_before: datetime | None = None
    not_after: datetime | None = None
    source_step_id: int | None = None


def new_message_id() -> str:
    """Return a Message-ID that nobody else has; it stays with its delivery through every attempt."""
    _name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return f"<{uuid.uuid4().hex}@{address.partition('@')[2] or 'localhost'}>"


def queue(emails: Iterable[Email]) -> list[Delivery]:
    """Queue emails: rows only, one statement, and a wake-up for when they are committed.

    The caller's transaction decides. A second one for the same step and reader is an IntegrityError, never ignored.
    """
    rows = [_delivery(email) for email in emails]
    if not rows:
        return []
    with transaction.atomic():
        lock_patients(row.patient_id for row in rows)
        created: list[Delivery] = Delivery.objects.bulk_create(rows)
        transaction.on_commit(partial(wake, "deliver"))
    return created


def queue_email(**fields: Any) -> Delivery:
    """Queue one email; the arguments are those of `Email`."""
    [delivery] = queue([Email(**fields)])
    return delivery


def _delivery(email: Email) -> Delivery:
    row = Delivery(
        clinic_id=email.clinic_id,
        patient_id=email.patient_id,
        purpose=email.purpose,
        category=email.category,
        template_id=email.template_id,
        contact_id=email.contact_id,
        recipient_id=email.recipient_id,
        recipient_key=key_of(contact_id=email.contact_id, recipient_id=email.recipient_id),
        context=dict(email.context),
        not_after=email.not_after,
        message_id=new_message_id(),
        source_step_id=email.source_step_id,
    )
    if email.not_before is not None:
        row.not_before = email.not_before
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One notification to be made, to the patient, or to a person of the staff if one is named.

    `not_after`: until when it may appear, and a browser be told of it; without one, for ever, and for three days.
    """

    clinic_id: int
    patient_id: int
    title: str
    body: str = ""
    category: str = Category.CLINICAL
    recipient_id: int | None = None
    rule_id: int | None = None
    link_kind: str = ""
    link_id: int | None = None
    visible_at: datetime | None = None
    not_after: datetime | None = None
    source_step_id: int | None = None


def notify(notes: Iterable[Note]) -> list[Notification]:
    """Make notifications in bulk, and tell the browsers that people allowed to show them.

    A second one for the same step and person is an IntegrityError. Many of one rule to one person of the staff become a
    list (messaging/digest.py).
    """
    notes = list(notes)
    if not notes:
        return []
    with transaction.atomic():
        lock_patients(note.patient_id for note in notes)
        made = digest.insert([_notification(note) for note in notes], [note.rule_id for note in notes])
        subscriptions.announce(zip(made, (note.not_after for note in notes), strict=True))
    return made


def _notification(note: Note) -> Notification:
    row = Notification(
        clinic_id=note.clinic_id,
        patient_id=note.patient_id,
        title=note.title[:200],
        body=note.body,
        category=note.category,
        recipient_id=note.recipient_id,
        link_kind=note.link_kind,
        link_id=note.link_id,
        not_after=note.not_after,
        source_step_id=note.source_step_id,
    )
    if note.visible_at is not None:
        row.visible_at = note.visible_at
    return row


def withdraw(step_ids: Collection[int]) -> int:
    """Take back what the steps queued and what has not left yet; return how many messages that were.

    The caller holds the patient's lock. A delivery that is being sent can only be asked not to be tried again; one that
    may have left before stays unknown. A notification goes if nobody could see it yet.
    """
    if not step_ids:
        return 0
    notes = visibility.withdraw(visibility.hidden().filter(source_step_id__in=step_ids), "stopped")
    return _call_off(Delivery.objects.filter(source_step_id__in=step_ids)) + notes


def unsent(step_ids: Collection[int]) -> set[int]:
    """Name the steps of which a delivery waits or is being sent, or a notification that nobody can see yet."""
    hidden = visibility.hidden().filter(source_step_id__in=step_ids)
    waiting = Delivery.objects.filter(
        source_step_id__in=step_ids, state__in=(*Delivery.WAITING, State.SENDING), withdraw_asked_at=None
    )
    return {*hidden.values_list("source_step_id", flat=True), *waiting.values_list("source_step_id", flat=True)}


def limit(limits: Mapping[int, tuple[datetime, datetime | None]]) -> int:
    """Let what the steps (by id) made and what still waits leave from and until these moments; return how many wait.

    Nothing is held longer than it was, and what is tried again keeps its pause. A notification that nobody could see
    until its last moment is taken back as too late, as a delivery is when it is claimed. The caller holds the patient's
    lock.
    """
    count = sum(_limit(step, earliest, latest) for step, (earliest, latest) in limits.items())
    if count:
        transaction.on_commit(partial(wake, "deliver"))
    return count


def _limit(step_id: int, earliest: datetime, latest: datetime | None) -> int:
    hidden = visibility.hidden().filter(source_step_id=step_id)
    if latest is not None and latest < now():
        visibility.withdraw(hidden, "too_late")
    else:
        hidden.update(not_after=latest, visible_at=Least("visible_at", earliest))
    waiting = Delivery.objects.filter(state__in=Delivery.WAITING, source_step_id=step_id)
    sooner = When(state=State.QUEUED, then=Least("not_before", earliest))
    count: int = waiting.update(not_after=latest, not_before=Case(sooner, default=F("not_before")))
    return count


def bring_forward(moments: Mapping[int, datetime]) -> None:
    """Let deliveries (by id) that were not tried yet leave from these moments on, if that is sooner."""
    count = 0
    for moment in set(moments.values()):
        rows = Delivery.objects.filter(pk__in=[pk for pk, at in moments.items() if at == moment], state=State.QUEUED)
        count += rows.update(not_before=Least("not_before", moment))
    if count:
        transaction.on_commit(partial(wake, "deliver"))


def withdraw_deliveries(delivery_ids: Collection[int]) -> int:
    """Take back deliveries, whoever queued them; see `withdraw`."""
    return _call_off(Delivery.objects.filter(pk__in=delivery_ids)) if delivery_ids else 0


def _call_off(rows: Any) -> int:
    """Decide in the statement itself: between a read and a write the state could move to sending."""
    waiting = Q(state__in=[State.QUEUED, State.RETRY])
    ended = Case(
        When(waiting & Q(maybe_left=True), then=Value(State.UNKNOWN)),
        When(waiting, then=Value(State.WITHDRAWN)),
        default=F("state"),
    )
    rows = rows.filter(state__in=[State.QUEUED, State.RETRY, State.SENDING], withdraw_asked_at=None)
    count: int = rows.update(
        state=ended,
        reason=Case(When(waiting, then=Value("stopped")), default=F("reason")),
        finished_at=Case(When(waiting, then=ClinicNow()), default=F("finished_at")),
        withdraw_asked_at=ClinicNow(),
    )
    return count


def retry_failed(delivery: Delivery) -> Delivery:
    """Queue a delivery that ended without success again: the same Message-ID, and as many attempts as a new one.

    Raises ImpossibleTransition if it is in another state or was called off, Refused if its time has passed or the
    person may not.
    """
    require(delivery.clinic_id)
    with transaction.atomic():
        lock_patients([delivery.patient_id])
        stored = Delivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
        if stored.state not in Delivery.ENDED_BADLY or stored.withdraw_asked_at is not None:
            raise ImpossibleTransition(_("The delivery"), stored.get_state_display(), str(State.QUEUED.label))
        moment = now()
        stored.state, stored.reason, stored.last_error = State.QUEUED, "", ""
        stored.not_before, stored.finished_at = moment, None
        stored.attempts_before = stored.attempts
        stored.save()
        purposes.renew(stored)
        if stored.not_after is not None and stored.not_after < moment:
            raise Refused(reasons.words("too_late"), code="too_late")
        audit.record("delivery.retried", obj=stored)
        transaction.on_commit(partial(wake, "deliver"))
    return stored


def mark_all_read(recipients: Collection[Any], *, until: datetime) -> int:
    """Note that a person of the staff, in these memberships of theirs, has seen all that could be seen at a moment."""
    rows = visibility.visible().filter(recipient__in=recipients, read_at=None, visible_at__lte=until)
    count: int = rows.update(read_at=ClinicNow())
    return count


def mark_read(*, notification_ids: Collection[int], recipient: Any = None, patient: Any = None) -> int:
    """Note that a person of the staff, or the patient, has seen these notifications of theirs, with what they list."""
    rows = Notification.objects.filter(pk__in=notification_ids, read_at=None, recipient=recipient)
    if recipient is None:
        rows = rows.filter(patient=patient)
    with transaction.atomic():
        seen = list(rows.values_list("pk", flat=True))
        Notification.objects.filter(listed_in__in=seen, read_at=None).update(read_at=ClinicNow())
        count: int = rows.update(read_at=ClinicNow())
    return count
