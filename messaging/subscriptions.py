"""Browsers that show notifications: turning that on and off, and telling them when a notification can be seen."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import current
from accounts.models import Membership
from clinic.db import lock_patients
from clinic.errors import ClinicError, Refused
from clinic.wakeups import wake
from messaging import vapid, visibility
from messaging.models import Delivery, Notification, PushSubscription
from messaging.outside import NotAllowed, check_address
from messaging.push import CHANNEL, LONGEST_LIFE
from patients.models import Patient

MOST_BROWSERS = 10
"""Of one person; one more takes the place of the oldest."""

Owner = Membership | Patient
Told = tuple[Notification, datetime | None]
"""A notification, and until when it is of use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """What a browser tells of its subscription. `key`: the public key of ours that it subscribed with."""

    endpoint: str
    p256dh: str
    auth: str
    key: str


@transaction.atomic
def subscribe(owners: Sequence[Owner], browser: Browser) -> list[PushSubscription]:
    """Have a browser told of what a person is told from now on, and of what waits to be seen.

    `owners`: the patient, or every membership of one person. A browser belongs to whoever turned it on last. Raises
    ClinicError naming what is wrong with it, Refused for somebody else's.
    """
    _require(owners)
    _check(browser)
    hidden = {one: list(_hidden(one)) for one in owners}
    lock_patients(note.patient_id for notes in hidden.values() for note in notes)
    ids = [_of(one) for one in owners]
    same = PushSubscription.objects.filter(endpoint=browser.endpoint)
    for row in same.select_for_update(no_key=True).order_by("pk"):
        if {"recipient": row.recipient_id, "patient": row.patient_id} not in ids:
            row.delete()
    return [_store(one, browser, hidden[one]) for one in owners]


def _store(owner: Owner, browser: Browser, hidden: Iterable[Notification]) -> PushSubscription:
    keys = {"p256dh": browser.p256dh, "auth": browser.auth, "vapid_key": browser.key, "clinic_id": owner.clinic_id}
    row, is_new = PushSubscription.objects.update_or_create(
        endpoint=browser.endpoint, **{f"{name}_id": pk for name, pk in _of(owner).items()}, defaults=keys
    )
    if is_new:
        audit.record("push.turned_on", obj=row)
        too_many = _rows([owner]).order_by("-pk").values_list("pk", flat=True)[MOST_BROWSERS:]
        PushSubscription.objects.filter(pk__in=list(too_many)).delete()
        announce([(one, one.not_after) for one in hidden], [row])
    return row


def unsubscribe(owners: Sequence[Owner], endpoint: str | None = None) -> int:
    """Have a browser (none named: all of the person's) told nothing any more; return how many rows that were.

    What waits for them is suppressed when it is due.
    """
    _require(owners)
    rows = _rows(owners) if endpoint is None else _rows(owners).filter(endpoint=endpoint)
    with transaction.atomic():
        gone = list(rows.select_for_update(no_key=True).order_by("pk"))
        PushSubscription.objects.filter(pk__in=[row.pk for row in gone]).delete()
        for row in gone:
            audit.record("push.turned_off", obj=row)
    return len(gone)


def announce(notes: Iterable[Told], rows: Sequence[PushSubscription] | None = None) -> list[Delivery]:
    """Queue one delivery a browser for notifications that were just made; `rows`: for these browsers alone.

    Each leaves when its notification can be seen. What lies in a list of many is told by the list.
    """
    told = [(note, until) for note, until in notes if note.listed_in_id is None]
    if not told or not vapid.public_key():
        return []
    if rows is None:
        members = {note.recipient_id for note, _until in told if note.recipient_id is not None}
        patients = {note.patient_id for note, _until in told if note.recipient_id is None}
        rows = list(PushSubscription.objects.filter(Q(recipient__in=members) | Q(patient__in=patients)).order_by("pk"))
    wanted: dict[Any, list[PushSubscription]] = {}
    for row in rows:
        wanted.setdefault((row.recipient_id, row.patient_id), []).append(row)
    queued = []
    for note, until in told:
        reader = (note.recipient_id, None if note.recipient_id is not None else note.patient_id)
        queued += [_delivery(note, until, row) for row in wanted.get(reader, ())]
    if queued:
        lock_patients(one.patient_id for one in queued)
        Delivery.objects.bulk_create(queued)
        transaction.on_commit(partial(wake, "deliver"))
    return queued


def _delivery(note: Notification, until: datetime | None, row: PushSubscription) -> Delivery:
    delivery = Delivery(
        clinic_id=note.clinic_id,
        patient_id=note.patient_id,
        channel=CHANNEL,
        purpose=CHANNEL,
        category=note.category,
        recipient_id=note.recipient_id,
        recipient_key=f"push:{row.pk}",
        context={"notification": note.pk, "subscription": row.pk},
        message_id=f"push:{uuid.uuid4().hex}",
        source_step_id=note.source_step_id,
    )
    if isinstance(note.visible_at, datetime):  # else the database says: now
        delivery.not_before, delivery.not_after = note.visible_at, until or note.visible_at + LONGEST_LIFE
    else:
        delivery.not_after = until
    return delivery


# --- questions ---


@dataclass(frozen=True, slots=True)
class Switch:
    """What the button on a page needs to know (templates/messaging/push_button.html)."""

    key: str
    known: str
    browsers: int
    on: str
    off: str
    scope: str


def switch(owners: Sequence[Owner], *, on: str, off: str, scope: str) -> Switch | None:
    """Describe the button for one person: addresses to post to, and the pages the service worker looks after.

    None where there is no web push. One query.
    """
    key = vapid.public_key()
    if not key:
        return None
    found: dict[str, int] = {}
    for row in _rows(owners).filter(vapid_key=key):
        found[row.endpoint] = found.get(row.endpoint, 0) + 1
    whole = sorted(endpoint for endpoint, count in found.items() if count == len(owners))
    digests = [hashlib.sha256(endpoint.encode()).hexdigest() for endpoint in whole]
    return Switch(key, " ".join(digests), len(found), on, off, scope)


# --- inside ---


def _require(owners: Sequence[Owner]) -> None:
    """Refuse to turn on or off anybody else's notifications."""
    actor = current()
    for one in owners:
        if isinstance(one, Patient):
            mine = actor.kind == "patient" and actor.patient_id == one.pk
        else:
            mine = actor.kind == "user" and actor.user_id == one.user_id and one.is_active
        if not mine and actor.kind != "system":
            raise Refused(_("These notifications are somebody else's."), code="forbidden")


def _check(browser: Browser) -> None:
    """Refuse what nothing could be sent to. Raises ClinicError."""
    if not browser.key or browser.key != vapid.public_key():
        raise ClinicError(_("Load the page again and try once more."), code="old_key", path="key")
    try:
        check_address(browser.endpoint, settings.PUSH_HOSTS)
    except NotAllowed as error:
        message = _("This browser's push service cannot be used here: %(error)s") % {"error": error}
        raise ClinicError(message, code="endpoint_not_allowed", path="endpoint") from error
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), vapid.unb64(browser.p256dh))
    except ValueError as error:
        raise ClinicError(_("The browser's key is not one."), code="invalid", path="p256dh") from error
    try:
        if len(vapid.unb64(browser.auth)) != 16:
            raise ValueError
    except ValueError as error:
        raise ClinicError(_("The browser's secret is not one."), code="invalid", path="auth") from error


def _of(owner: Owner) -> dict[str, Any]:
    if isinstance(owner, Patient):
        return {"recipient": None, "patient": owner.pk}
    return {"recipient": owner.pk, "patient": None}


def _rows(owners: Sequence[Owner]) -> Any:
    members = [one.pk for one in owners if isinstance(one, Membership)]
    patients = [one.pk for one in owners if isinstance(one, Patient)]
    return PushSubscription.objects.filter(Q(recipient__in=members) | Q(patient__in=patients))


def _hidden(owner: Owner) -> Any:
    """Return what the person will be able to see later."""
    rows = visibility.hidden().filter(read_at=None, listed_in=None)
    if isinstance(owner, Patient):
        return rows.filter(patient=owner, recipient=None).order_by("pk")
    return rows.filter(recipient=owner).order_by("pk")
