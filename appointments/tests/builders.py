"""Short ways to the records that tests of appointments need."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from appointments.models import Appointment, Service
from automations.tests.firing import changes_of, fired_by  # noqa: F401 - tests of appointments find them here
from clinic import clock
from tests.cast import acting  # noqa: F401 - and this

STATES = tuple(Appointment.Status.values)


def make_service(clinic: Any, slug: str = "initial-evaluation", **fields: Any) -> Service:
    """Make a service of 45 minutes."""
    return Service.objects.create(
        clinic=clinic, slug=slug, **{"name": slug.replace("-", " ").title(), "minutes": 45} | fields
    )


def service_of(clinic: Any) -> Service:
    """Return the clinic's initial evaluation, made if need be."""
    found = Service.objects.filter(clinic=clinic, slug="initial-evaluation").first()
    return found or make_service(clinic)


def make_visit(patient: Any, status: str = "booked", **fields: Any) -> Appointment:
    """Make an appointment the day after tomorrow, in any state, past the services."""
    given = {"service": None, "starts_at": None} | fields
    return Appointment.objects.create(
        clinic=patient.clinic,
        patient=patient,
        status=status,
        **given
        | {
            "service": given["service"] or service_of(patient.clinic),
            "starts_at": given["starts_at"] or clock.now().replace(microsecond=0) + timedelta(days=2),
        },
    )


def at(text: str) -> datetime:
    """Read an ISO moment."""
    return datetime.fromisoformat(text)


def moves(visit: Appointment, **values: Any) -> dict[str, Callable[[], Any]]:
    """Return every path on which the same change of an appointment can be written, by name."""

    def copy() -> Appointment:
        row = Appointment.objects.get(pk=visit.pk)
        for name, value in values.items():
            setattr(row, name, value)
        return row

    return {
        "save": lambda: copy().save(),
        "save some fields": lambda: copy().save(update_fields=list(values)),
        "bulk_update": lambda: Appointment.objects.bulk_update([copy()], list(values)),
        "update": lambda: Appointment.objects.filter(pk=visit.pk).update(**values),
    }


PATHS = ("save", "save some fields", "bulk_update", "update")
