"""Questions about appointments."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from appointments.lifecycle import NOT_COUNTED, OPEN
from appointments.models import Appointment, Service, VisitSummary


def appointments_of(patient_id: int) -> QuerySet[Appointment]:
    """Return a patient's appointments, latest first, without those entered in error."""
    rows = Appointment.objects.filter(patient_id=patient_id).exclude(status=Appointment.Status.ENTERED_IN_ERROR)
    return rows.select_related("service", "specialist").order_by("-starts_at", "-pk")


def last_appointment(patient_id: int, now: datetime) -> Appointment | None:
    """Return the latest appointment that has begun by `now`; cancelled ones never began."""
    rows = Appointment.objects.filter(patient_id=patient_id, starts_at__lte=now).exclude(status__in=NOT_COUNTED)
    return rows.select_related("service", "specialist").order_by("-starts_at", "-pk").first()


def next_appointment(patient_id: int, now: datetime) -> Appointment | None:
    """Return the earliest appointment still ahead after `now`."""
    rows = Appointment.objects.filter(patient_id=patient_id, starts_at__gt=now, status__in=OPEN)
    return rows.select_related("service", "specialist").order_by("starts_at", "pk").first()


def appointments_between(
    clinic: Any, start: datetime, end: datetime, *, statuses: Collection[str] = ()
) -> QuerySet[Appointment]:
    """Return a clinic's appointments that start in [start, end), in order, with what a list of them shows."""
    rows = Appointment.objects.for_clinic(clinic).filter(starts_at__gte=start, starts_at__lt=end)
    if statuses:
        rows = rows.filter(status__in=statuses)
    return rows.select_related("patient", "service", "specialist").order_by("starts_at", "pk")


def bookable_services(clinic: Any) -> QuerySet[Service]:
    """Return the services that can be booked at a clinic."""
    return Service.objects.for_clinic(clinic).filter(archived_at=None)


def released_summary(appointment_id: int) -> VisitSummary | None:
    """Return the visit's summary if the patient may read it."""
    return VisitSummary.objects.filter(appointment_id=appointment_id, status=VisitSummary.Status.RELEASED).first()


def specialists_of_appointments(appointment_ids: Collection[int]) -> dict[int, int]:
    """Return appointment id → membership id of its specialist, for those that have one."""
    rows = Appointment.objects.filter(pk__in=appointment_ids, specialist__isnull=False)
    return dict(rows.values_list("pk", "specialist_id"))
