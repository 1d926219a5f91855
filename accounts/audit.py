"""The audit trail: who read or changed what. The database lets rows be added only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from accounts.actor import Actor, current
from accounts.models import AuditEntry
from clinic.bulk import can_copy, copy_in


def entry(
    action: str,
    *,
    obj: Any = None,
    patient_id: int | None = None,
    clinic_id: int | None = None,
    detail: dict[str, Any] | None = None,
    actor: Actor | None = None,
) -> AuditEntry:
    """Describe, without writing it, what the current actor does; for those who write many at once."""
    actor = actor or current()
    label = "" if obj is None else obj._meta.label_lower
    if patient_id is None:
        patient_id = obj.pk if label == "patients.patient" else getattr(obj, "patient_id", None)
    if clinic_id is None:
        own = obj.pk if label == "accounts.clinic" else getattr(obj, "clinic_id", None)
        clinic_id = own if own is not None else actor.clinic_id
    return AuditEntry(
        action=action,
        clinic_id=clinic_id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        object_type=label,
        object_id="" if obj is None or obj.pk is None else str(obj.pk),
        patient_id=patient_id,
        detail=detail or {},
        ip=actor.ip,
    )


def record(
    action: str,
    *,
    obj: Any = None,
    patient_id: int | None = None,
    clinic_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """Write one entry for the current actor.

    Clinic and patient are taken from `obj` where they are not given. `action` is a noun and a past participle
    ("patient.archived", "patient.read"); `detail` holds codes, numbers and field names, never a patient's words.
    """
    row = entry(action, obj=obj, patient_id=patient_id, clinic_id=clinic_id, detail=detail)
    row.save(force_insert=True)
    return row


def listed(noun: str, rows: Iterable[Any], *, clinic_id: int) -> AuditEntry:
    """Write one entry for a list of patients' records that was shown, naming the patients in `detail`."""
    ids = {row.pk if row._meta.label == "patients.Patient" else row.patient_id for row in rows}
    return record(f"{noun}.listed", clinic_id=clinic_id, detail={"patients": sorted(ids - {None})})


def record_many(entries: Sequence[AuditEntry]) -> None:
    """Write many entries, made with `entry`, in one statement."""
    if can_copy(AuditEntry, entries, {}):
        copy_in(AuditEntry, entries)
    else:
        AuditEntry.objects.bulk_create(entries)
