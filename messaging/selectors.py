"""Questions about notifications and deliveries."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Case, Count, F, Max, Min, OuterRef, Prefetch, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Greatest

from clinic.asking import Earliest
from clinic.clock import ClinicNow
from messaging import leases, visibility
from messaging.models import Delivery, MessageTemplate, Notification
from messaging.purposes import asked_for
from patients.categories import Channel

State = Delivery.State


def visible_notifications() -> QuerySet[Notification]:
    """Return the notifications that may be seen now."""
    return visibility.visible()


def notifications_for(member: Any) -> QuerySet[Notification]:
    """Return what a person of the staff was told, newest first; what lies in a list is in its `listed`."""
    return notifications_to([member])


def notifications_to(members: Iterable[Any]) -> QuerySet[Notification]:
    """Return what was told to these members of the staff, newest first; each comes with clinic and patient."""
    rows = visible_notifications().filter(recipient__in=members, listed_in=None)
    listed = Prefetch("listed", Notification.objects.select_related("patient").order_by("pk"))
    return rows.select_related("patient", "clinic").prefetch_related(listed).order_by("-visible_at", "-pk")


def unread_notifications(member: Any) -> QuerySet[Notification]:
    """Return what a person of the staff has not looked at yet, newest first."""
    return notifications_for(member).filter(read_at=None)


def beside_memberships() -> dict[str, Any]:
    """Return what the bell shows, as expressions of a query of memberships: how many are unread, and the newest."""
    mine = visible_notifications().filter(recipient=OuterRef("pk"), listed_in=None, read_at=None).order_by()
    counted = mine.values("recipient").annotate(n=Count("pk")).values("n")
    newest = mine.values("recipient").annotate(newest=Max("pk")).values("newest")
    return {"unread": Coalesce(Subquery(counted), 0), "newest_unread": Coalesce(Subquery(newest), 0)}


def notifications_of_patient(patient: Any) -> QuerySet[Notification]:
    """Return what the patient was told inside the platform, newest first."""
    return visible_notifications().filter(patient=patient, recipient=None).order_by("-visible_at", "-pk")


class Received(NamedTuple):
    """A message to a patient: its category, and when it left or is to leave."""

    category: str
    at: datetime


COUNTED = (State.QUEUED, State.RETRY, State.SENDING, State.SENT, State.UNKNOWN)
"""States of deliveries that are messages to the patient: what left, may have left, or is about to."""


def messages_to(patient_ids: Collection[int], *, since: datetime) -> dict[int, list[Received]]:
    """Return, by patient, the messages that leave after a moment; what one step sends to several readers is one.

    Web push only says that there is a notification, which counts.
    """
    at = Coalesce("finished_at", Greatest("not_before", ClinicNow()))
    mails = Delivery.objects.filter(patient__in=patient_ids, recipient=None, state__in=COUNTED, channel=Channel.EMAIL)
    mails = mails.exclude(purpose__in=asked_for())
    notes = Notification.objects.filter(patient__in=patient_ids, recipient=None, withdrawn_at=None)
    appears = Case(When(visibility.held(), then=Greatest("visible_at", ClinicNow())), default=F("visible_at"))
    columns = ("patient_id", "source_step_id", "pk", "category", "at")
    rows = [
        *mails.annotate(at=at).filter(at__gt=since).order_by("pk").values_list(*columns),
        *notes.annotate(at=appears).filter(at__gt=since).order_by("pk").values_list(*columns),
    ]
    found: dict[int, dict[Any, Received]] = {}
    for position, (patient_id, step_id, _pk, category, moment) in enumerate(rows):
        key = ("step", step_id) if step_id is not None else ("row", position)
        found.setdefault(patient_id, {})[key] = Received(category, moment)
    return {patient_id: list(of_one.values()) for patient_id, of_one in found.items()}


def deliveries_of(patient: Any) -> QuerySet[Delivery]:
    """Return the patient's deliveries, newest first, suppressed ones included."""
    return Delivery.objects.filter(patient=patient).select_related("template").order_by("-pk")


def lost(step_ids: Collection[int]) -> dict[int, str]:
    """Return, by step, the reason code of a mail that will not leave: it failed, or there was a reason not to send it.

    A mail of which nobody knows may have arrived and is left out.
    """
    rows = Delivery.objects.filter(source_step_id__in=step_ids, state__in=[State.FAILED, State.SUPPRESSED])
    pairs = rows.filter(channel=Channel.EMAIL).order_by("-pk").values_list("source_step_id", "reason")
    return dict(pairs)


def not_arrived(clinic: Any) -> QuerySet[Delivery]:
    """Return the clinic's emails that failed or of which nobody knows, newest first.

    Web push is left out: what it would have told lies inside the platform.
    """
    rows = Delivery.objects.for_clinic(clinic).filter(state__in=[State.FAILED, State.UNKNOWN], channel=Channel.EMAIL)
    return rows.select_related("patient", "template").order_by("-pk")


def templates(clinic: Any) -> QuerySet[MessageTemplate]:
    """Return the templates that can be chosen at a clinic."""
    return MessageTemplate.objects.for_clinic(clinic).filter(archived_at=None)


def templates_by_slug(clinic_ids: Iterable[int], slugs: Iterable[str]) -> dict[tuple[int, str], MessageTemplate]:
    """Return (clinic id, slug) → template with its bodies, for those in use; two queries."""
    rows = MessageTemplate.objects.filter(clinic__in=set(clinic_ids), slug__in=set(slugs), archived_at=None)
    return {(row.clinic_id, row.slug): row for row in rows.prefetch_related("bodies")}


def _waiting() -> QuerySet[Delivery]:
    return Delivery.objects.filter(state__in=Delivery.WAITING).exclude(leases.paused())


next_due = Earliest(lambda: _waiting().values_list("not_before"))
"""Return when the earliest delivery that nothing pauses is due, for whoever walks the clock.

Leases are left out: they end on real time, and the walker cannot hurry them.
"""


def is_sending() -> bool:
    """Tell whether some process holds a delivery: moving the clock now could make it too late under its hands."""
    return Delivery.objects.filter(state=State.SENDING, lease_until__gt=leases.RealNow()).exists()


def oldest_due() -> datetime | None:
    """Return since when the oldest delivery that is due has waited, for readiness; None if none waits."""
    due = _waiting().filter(not_before__lte=ClinicNow())
    moment: datetime | None = due.aggregate(at=Min("not_before"))["at"]
    return moment
