"""The expressions behind the facts about a patient's appointments. Each is a subquery that both readers use.

`ctx` says where the patient, the moment and the clinic's calendar come from (automations/context.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Exists, IntegerField, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from appointments.lifecycle import NOT_COUNTED, OPEN
from appointments.models import Appointment

ELAPSED = ("minutes", "hours")


def appointment_count(
    ctx: Any,
    statuses: Sequence[str] = (),
    services: Sequence[str] = (),
    window: Mapping[str, Any] | None = None,
) -> Any:
    """Count visits that start on a local day up to today, in the window if there is one."""
    return _count(_begun(ctx, _visits(ctx, statuses, services), window))


def no_show_count(ctx: Any, window: Mapping[str, Any] | None = None) -> Any:
    """Count the visits to which the patient did not come."""
    return _count(_begun(ctx, _visits(ctx, [Appointment.Status.NO_SHOW], ()), window))


def last_appointment_at(ctx: Any, statuses: Sequence[str] = (), services: Sequence[str] = ()) -> Any:
    """Find the latest start that is not later than now."""
    rows = _visits(ctx, statuses, services).filter(starts_at__lte=ctx.outer(ctx.now))
    return Subquery(rows.order_by("-starts_at").values("starts_at")[:1])


def next_appointment_at(ctx: Any, statuses: Sequence[str] = (), services: Sequence[str] = ()) -> Any:
    """Find the earliest start later than now, of a visit that is booked, confirmed or begun early."""
    rows = _visits(ctx, statuses or sorted(OPEN), services).filter(starts_at__gt=ctx.outer(ctx.now))
    return Subquery(rows.order_by("starts_at").values("starts_at")[:1])


def is_first(ctx: Any) -> Any:
    """Tell whether no other visit of the patient was entered before the event's own."""
    return ~Exists(_visits(ctx, (), ()).filter(pk__lt=ctx.outer(ctx.subject_id)))


def _visits(ctx: Any, statuses: Sequence[str], services: Sequence[str]) -> QuerySet[Appointment]:
    chosen = Q(status__in=list(statuses)) if statuses else ~Q(status__in=NOT_COUNTED)
    if services:
        chosen &= Q(service__slug__in=list(services))
    return Appointment.objects.filter(chosen, patient_id=ctx.outer_patient_id).order_by()


def _begun(ctx: Any, rows: QuerySet[Appointment], window: Mapping[str, Any] | None) -> QuerySet[Appointment]:
    """Keep visits up to today, or in the last hours or days; today counts whole, unless the window counts hours."""
    if not window:
        return rows.filter(starts_at__lt=ctx.outer(ctx.end_of_today))
    start = ctx.outer(ctx.window_start(window))
    if window["unit"] in ELAPSED:
        return rows.filter(starts_at__gt=start, starts_at__lte=ctx.outer(ctx.now))
    return rows.filter(starts_at__gte=start, starts_at__lt=ctx.outer(ctx.end_of_today))


def _count(rows: QuerySet[Appointment]) -> Any:
    counted = rows.values("patient_id").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))
