"""Note that a form's due time passed while it was open: once for each due time, whoever looks and however late."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from clinic.asking import Earliest
from clinic.changes import origin, silently
from clinic.clock import now
from clinic.db import lock_patients
from clinic.lanes import register_lane
from forms_app.models import FormRequest

BATCH = 200
MOST = 5_000
"""Requests noted in one drain; the next tick goes on."""


def connect() -> None:
    """Have the engine's tick look for overdue forms."""
    register_lane("forms overdue", note_overdue, next_due, sweep=True)


def _coming() -> Any:
    """Return the open requests whose due time has not been noted as passed."""
    unnoted = Q(overdue_since__isnull=True) | Q(overdue_since__lt=F("due_at"))
    return FormRequest.objects.filter(unnoted, status__in=FormRequest.OPEN, due_at__isnull=False)


next_due = Earliest(lambda: _coming().values_list("due_at"))
"""Return the earliest due time that is still to pass or to be noted."""


def note_overdue() -> int:
    """Note the due times that have passed; return how many."""
    total = 0
    while total < MOST and (count := _note_batch()):
        total += count
    return total


def _note_batch() -> int:
    due = dict(_coming().filter(due_at__lte=now()).order_by("due_at", "pk").values_list("pk", "patient_id")[:BATCH])
    if not due:
        return 0
    with transaction.atomic(), origin("tick"):
        lock_patients(due.values())
        # What was signed, moved or noted by somebody else before the lock was ours is left alone.
        rows = list(_coming().filter(pk__in=due, due_at__lte=now()).order_by("muted", "pk"))
        for muted, group in groupby(rows, key=lambda row: row.muted):
            _note(list(group), muted)
    return len(rows)


def _note(rows: list[FormRequest], muted: str) -> None:
    """Note it of requests that are all loud, or all silent for one reason; it happened at the due time, not now."""
    for row in rows:
        assert row.due_at is not None
        row.overdue_since = row.due_at
        row.occurred_at_hint = max(row.due_at, row.created_at)  # type: ignore[attr-defined]
    if muted:
        with silently(muted):
            FormRequest.objects.bulk_update(rows, ["overdue_since"])
    else:
        FormRequest.objects.bulk_update(rows, ["overdue_since"])
