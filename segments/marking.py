"""Note, in the transaction that changes a record, whose segments must be looked at again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Any

from django.db import connection, transaction

from clinic.changes import Change, muted_reason
from clinic.wakeups import wake
from segments import definition

MUTED_MAX = 100

MARK = """
INSERT INTO segments_dirtypatient AS d (clinic_id, patient_id, source, muted, caused_by_id, created_at)
SELECT v.clinic, v.patient, %(source)s, v.muted, v.cause, clinic_now()
  FROM unnest(%(clinics)s::bigint[], %(patients)s::bigint[], %(muted)s::text[], %(causes)s::bigint[])
       AS v(clinic, patient, muted, cause)
 WHERE EXISTS (SELECT 1 FROM segments_segment s
                WHERE s.clinic_id = v.clinic AND s.kind = 'dynamic' AND s.archived_at IS NULL)
    ON CONFLICT (patient_id, source) DO UPDATE SET caused_by_id = greatest(d.caused_by_id, excluded.caused_by_id),
       muted = CASE WHEN excluded.muted = '' THEN '' ELSE d.muted END
"""

Mark = tuple[int, str, int | None]
"""Clinic, why it is muted, the step behind it."""

_silently_marked: ContextVar[frozenset[int]] = ContextVar("silently_marked", default=frozenset())


def on_records_changed(sender: Any, changes: Sequence[Change], **_: Any) -> None:
    """Mark the patients of changed records that a segment may ask about; the sender holds their locks."""
    label = sender._meta.label
    if label not in watched_labels():
        return
    found: dict[int, Mark] = {}
    for change in changes:
        patient = change.instance.patient_key()
        if patient is not None:
            muted = change.muted[:MUTED_MAX]
            one: Mark = (change.instance.clinic_id, muted, None if muted else change.caused_by_id)
            found[patient] = _both(found[patient], one) if patient in found else one
    mark(label, found)


def on_saved(sender: Any, instance: Any, **_: Any) -> None:
    """Mark the patient of a record whose model announces no changes."""
    if getattr(instance, "patient_id", None) is not None:
        cause = getattr(instance, "source_step_id", None)
        mark(sender._meta.label, {instance.patient_id: (instance.clinic_id, muted_reason()[:MUTED_MAX], cause)})


def _both(one: Mark, other: Mark) -> Mark:
    """Join two marks as the database does: heard beats muted, and the later step is the cause."""
    causes = [cause for cause in (one[2], other[2]) if cause is not None]
    return one[0], one[1] and other[1], max(causes, default=None)


def watched_labels() -> frozenset[str]:
    """Return the models that any segment may ask about."""
    return frozenset({definition.PATIENT}.union(*(fact.sources for fact in definition.offered().values())))


def mark(source: str, marks: dict[int, Mark]) -> None:
    """Write the marks of clinics that have a dynamic segment, and wake a worker once they are committed."""
    if not marks:
        return
    patients = sorted(marks)
    values: dict[str, Any] = {
        "source": source,
        "clinics": [marks[pk][0] for pk in patients],
        "patients": patients,
        "muted": [marks[pk][1] for pk in patients],
        "causes": [marks[pk][2] for pk in patients],
    }
    with connection.cursor() as cursor:
        cursor.execute(MARK, values)
        if not cursor.rowcount:
            return
    silent = [pk for pk in patients if marks[pk][1]]
    if silent:
        _silently_marked.set(_silently_marked.get() | frozenset(silent))
    transaction.on_commit(_wake)


def _wake() -> None:
    wake("sweep")


def take_silently_marked() -> Iterable[int]:
    """Return the patients marked by silent writes since this was last asked here."""
    marked = _silently_marked.get()
    if marked:
        _silently_marked.set(frozenset())
    return marked
