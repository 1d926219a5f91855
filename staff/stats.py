"""Figures of a clinic's automations over a time: counted from the rows, never kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from automations.models import Event, Run, Step
from messaging.models import Delivery


@dataclass(frozen=True, slots=True)
class Stats:
    """What was recorded from `since` (included) to `until` (left out)."""

    since: datetime
    until: datetime
    events: dict[str, int]
    runs: dict[str, dict[str, int]]
    steps: dict[str, int]
    deliveries: dict[str, int]


def stats(clinic: Any, since: datetime, until: datetime) -> Stats:
    """Count events by trigger, runs by rule and outcome, steps and deliveries by state. Four queries."""
    span: dict[str, Any] = {"created_at__gte": since, "created_at__lt": until}
    runs: dict[str, dict[str, int]] = {}
    rows = Run.objects.for_clinic(clinic).filter(**span).order_by().values_list("rule__slug", "outcome")
    for rule, outcome, count in rows.annotate(count=Count("pk")).order_by("rule__slug", "outcome"):
        runs.setdefault(rule, {})[outcome] = count
    return Stats(
        since=since,
        until=until,
        events=_by(Event.objects.for_clinic(clinic).filter(**span), "trigger"),
        runs=runs,
        steps=_by(Step.objects.for_clinic(clinic).filter(**span), "state"),
        deliveries=_by(Delivery.objects.for_clinic(clinic).filter(**span), "state"),
    )


def _by(rows: QuerySet[Any], name: str) -> dict[str, int]:
    counted = rows.order_by().values_list(name).annotate(count=Count("pk")).order_by(name)
    return dict(counted)
