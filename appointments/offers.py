"""The services that a clinic offers: rules name them by slug, so they are archived and never removed."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, permissions
from accounts.permissions import Role
from accounts.validation import check
from appointments.models import Service
from clinic import clock
from clinic.errors import ClinicError

FIELDS = ("name", "minutes")


def create_service(*, clinic: Any, slug: str, name: str, minutes: int = 30) -> Service:
    """Offer a new kind of visit. Raises ClinicError (`taken`) for a slug that the clinic has."""
    permissions.require(clinic, Role.CLINIC_ADMIN)
    if Service.objects.for_clinic(clinic).filter(slug=slug).exists():
        raise ClinicError(_("There is a service with this slug already."), code="taken", path="slug")
    with transaction.atomic():
        row = Service.objects.create(clinic=clinic, slug=slug, name=name, minutes=minutes)
        audit.record("service.created", obj=row)
    return row


@transaction.atomic
def update_service(
    service: Service, *, slug: str | None = None, archived: bool | None = None, **fields: Any
) -> Service:
    """Change a service's name or length, and whether it is offered. Its slug stays: rules name it."""
    permissions.require(service.clinic_id, Role.CLINIC_ADMIN)
    row = Service.objects.select_for_update(no_key=True).get(pk=service.pk)
    if slug is not None and slug != row.slug:
        raise ClinicError(_("A slug stays as it is: rules name the service by it."), code="fixed", path="slug")
    for name in fields:
        if name not in FIELDS:
            raise ClinicError(_("A service has no “%(name)s” to set.") % {"name": name}, code="unknown", path=name)
    changed = sorted(name for name, value in fields.items() if getattr(row, name) != value)
    for name in changed:
        setattr(row, name, fields[name])
    if changed:
        check(row)
        row.save(update_fields=changed)
        audit.record("service.updated", obj=row, detail={"fields": changed})
    return row if archived is None else _archive(row, archived)


def archive_service(service: Service) -> Service:
    """Offer the service no longer; visits that are booked stay."""
    return _archive(service, True)


def restore_service(service: Service) -> Service:
    """Offer the service again."""
    return _archive(service, False)


def _archive(service: Service, archived: bool) -> Service:
    permissions.require(service.clinic_id, Role.CLINIC_ADMIN)
    with transaction.atomic():
        row = Service.objects.select_for_update(no_key=True).get(pk=service.pk)
        if (row.archived_at is not None) == archived:
            return row
        row.archived_at = clock.now() if archived else None
        row.save(update_fields=["archived_at"])
        audit.record("service.archived" if archived else "service.restored", obj=row)
    return row
