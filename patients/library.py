"""What a clinic offers to read and to watch."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Clinic
from accounts.permissions import Role, require
from accounts.validation import check
from clinic.clock import now
from clinic.errors import ClinicError
from patients.grants import has_access
from patients.models import Feature, LibraryItem, Patient

ITEM_FIELDS = ("title", "text", "video_url", "language")
EDITORS = (Role.CLINIC_ADMIN, Role.SPECIALIST)


@transaction.atomic
def add_item(*, clinic: Clinic, slug: str, **fields: Any) -> LibraryItem:
    """Put an item (ITEM_FIELDS) into the clinic's library. Raises ClinicError naming the wrong field."""
    require(clinic, *EDITORS)
    item = LibraryItem(clinic=clinic, slug=slug)
    _set(item, fields)
    item.save()
    audit.record("library_item.added", obj=item)
    return item


@transaction.atomic
def update_item(item: LibraryItem, **fields: Any) -> LibraryItem:
    """Change an item (ITEM_FIELDS); its slug stays."""
    stored = _locked(item)
    if changed := _set(stored, fields):
        stored.save(update_fields=changed)
        audit.record("library_item.updated", obj=stored, detail={"fields": changed})
    return stored


@transaction.atomic
def archive_item(item: LibraryItem) -> LibraryItem:
    """Show an item no longer. Archived already: nothing happens."""
    stored = _locked(item)
    if stored.archived_at is None:
        stored.archived_at = now()
        stored.save(update_fields=["archived_at"])
        audit.record("library_item.archived", obj=stored)
    return stored


@transaction.atomic
def restore_item(item: LibraryItem) -> LibraryItem:
    """Show an archived item again."""
    stored = _locked(item)
    if stored.archived_at is not None:
        stored.archived_at = None
        stored.save(update_fields=["archived_at"])
        audit.record("library_item.restored", obj=stored)
    return stored


def _locked(item: LibraryItem) -> LibraryItem:
    require(item.clinic_id, *EDITORS)
    return LibraryItem.objects.select_for_update(no_key=True).get(pk=item.pk)


def _set(item: LibraryItem, fields: dict[str, Any]) -> list[str]:
    for name in fields:
        if name not in ITEM_FIELDS:
            message = _("A library item has no “%(name)s” to set.") % {"name": name}
            raise ClinicError(message, code="unknown", path=name)
    changed = sorted(name for name, value in fields.items() if getattr(item, name) != value)
    for name in changed:
        setattr(item, name, fields[name])
    check(item)
    if not item.text and not item.video_url:
        raise ClinicError(_("Give a text or a video link."), code="required", path="text")
    return changed


# --- questions ---


def items(clinic: Any) -> QuerySet[LibraryItem]:
    """Return what the clinic's library shows."""
    return LibraryItem.objects.filter(clinic=clinic, archived_at=None).order_by("title", "pk")


def items_for(patient: Patient) -> QuerySet[LibraryItem]:
    """Return what the patient may read now: nothing without access to the library; other languages left out."""
    rows = items(patient.clinic_id)
    if not has_access(patient, Feature.LIBRARY):
        return rows.none()
    return rows.filter(language__in=["", patient.language]) if patient.language else rows
