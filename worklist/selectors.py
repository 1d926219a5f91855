"""Questions about tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Case, F, Q, QuerySet, Value, When

from accounts.models import Membership
from worklist.models import Task

URGENCY = Case(
    *(When(priority=word, then=Value(rank)) for rank, word in enumerate(("urgent", "high", "normal"))), default=3
)


def open_tasks() -> QuerySet[Task]:
    """Return every open task, the earliest due first, undated ones last, the more urgent before the less."""
    rows = Task.objects.filter(status=Task.Status.OPEN)
    return rows.select_related("patient", "assignee").order_by(F("due_at").asc(nulls_last=True), URGENCY, "pk")


def open_tasks_of(*memberships: Membership) -> QuerySet[Task]:
    """Return what a person should look at: their own tasks, and those of their roles that nobody has claimed."""
    mine = Q(assignee__in=memberships)
    for one in memberships:
        mine |= Q(clinic_id=one.clinic_id, role=one.role, assignee__isnull=True)
    return open_tasks().filter(mine) if memberships else open_tasks().none()


def open_tasks_about(patient_id: int) -> QuerySet[Task]:
    """Return a patient's open tasks."""
    return open_tasks().filter(patient_id=patient_id)


def with_overdue(rows: QuerySet[Task], now: datetime) -> QuerySet[Task]:
    """Add `is_overdue` to each task."""
    late = Case(When(due_at__lt=now, then=Value(True)), default=Value(False), output_field=BooleanField())
    return rows.annotate(is_overdue=late)


def tasks_at(clinic: Any, *, over: bool | None = False) -> QuerySet[Task]:
    """Return a clinic's open tasks in the order in which to do them; over: what is over, the last first; None: both."""
    if over is False:
        return open_tasks().filter(clinic=clinic)
    rows = Task.objects.for_clinic(clinic)
    if over:
        rows = rows.exclude(status=Task.Status.OPEN)
    return rows.select_related("patient", "assignee").order_by("-finished_at", "-pk")
