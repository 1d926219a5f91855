"""Which notifications can be seen, which cannot yet, and what becomes of those that a stop switch held back."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Pause
from clinic.clock import ClinicNow
from clinic.db import lock_patients
from messaging import leases
from messaging.models import Notification


def held() -> Exists:
    """Return the condition that a stop switch stands over a notification whose moment had not come when it began."""
    return Exists(leases.standing().filter(created_at__lt=OuterRef("visible_at")))


def seen() -> Q:
    """Return the condition that a notification may be seen now."""
    return Q(~held(), visible_at__lte=ClinicNow(), withdrawn_at=None)


def visible() -> QuerySet[Notification]:
    """Return the notifications that may be seen now."""
    return Notification.objects.filter(seen())


def hidden() -> QuerySet[Notification]:
    """Return the notifications that nobody could see yet and that are not taken back."""
    return Notification.objects.filter(Q(visible_at__gt=ClinicNow()) | held(), withdrawn_at=None)


def withdraw(rows: QuerySet[Notification], reason: str) -> int:
    """Take back notifications that nobody could see yet, saying why; return how many."""
    count: int = rows.update(withdrawn_at=ClinicNow(), withdrawn_reason=reason)
    return count


def on_pause_saved(sender: Any, instance: Pause, created: bool, **_: Any) -> None:
    """Let what a pause held back appear when it ends, or say that it became useless meanwhile.

    It dates from the end of the pause, so that another one that began in between goes on holding it.
    """
    if created or instance.ended_at is None:
        return
    came = {"visible_at__gt": instance.created_at, "visible_at__lte": instance.ended_at}
    rows = Notification.objects.filter(_within(instance), clinic=instance.clinic_id, withdrawn_at=None, **came)
    with transaction.atomic():
        lock_patients(rows.order_by().values_list("patient_id", flat=True).distinct())
        withdraw(rows.filter(not_after__lt=instance.ended_at), "too_late")
        rows.update(visible_at=instance.ended_at)


def _within(pause: Pause) -> Q:
    scopes = {
        Pause.Scope.CLINIC: Q(),
        Pause.Scope.PATIENT: Q(patient=pause.target_id),
        Pause.Scope.RULE: Q(source_step__rule=pause.target_id),
    }
    return scopes[Pause.Scope(pause.scope)]
