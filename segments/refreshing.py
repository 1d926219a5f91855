"""Look again at marked patients: a batch, one statement for each segment that their changes may concern."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import Error, connection, transaction
from django.db.models import Q, QuerySet

from automations import claims
from automations.engine.problems import RuleInvalid
from clinic.changes import origin
from clinic.clock import now
from patients.models import Patient
from segments import difference, marking, memberships
from segments.difference import Definition
from segments.memberships import Move, Place
from segments.models import DirtyPatient, Segment, SegmentMembership

BATCH = 500
"""Patients in one transaction: short enough for the writers who wait for them."""

IN_SERVICE = Q(kind=Segment.Kind.DYNAMIC, archived_at=None, broken="")
Reason = SegmentMembership.Reason
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cause:
    """What is known of why a patient is looked at: the step behind it, and why it is muted."""

    caused_by_id: int | None
    muted: str


Causes = Mapping[tuple[int, str], Cause]
"""By patient and source."""


def refresh_marked(limit: int = BATCH, only: Collection[int] | None = None) -> int:
    """Look again at marked patients (of `only` these); return how many were. What others hold is left for later.

    Two refreshers cannot tell a crossing twice: each sees the patient alone, under the patient's lock, and the marks
    are gone with it.
    """
    try:
        with transaction.atomic(), origin("tick"):
            return _refresh(limit, only)
    except Error as error:
        if not claims.is_retriable(error):
            raise
        return 0


def refresh_silently_marked() -> None:
    """Work out what silent writes lead to when they end, before anything that is heard follows."""
    marked = sorted(marking.take_silently_marked())
    for start in range(0, len(marked), BATCH):
        refresh_marked(BATCH, marked[start : start + BATCH])


_at_it: ContextVar[bool] = ContextVar("refreshing", default=False)


def refresh_heard(patients: Collection[int]) -> None:
    """Work out what follows from changes that were heard, before a silent one is written; the patients are locked."""
    if not _at_it.get() and DirtyPatient.objects.filter(patient_id__in=patients, muted="").exists():
        refresh_marked(BATCH, patients)


def _refresh(limit: int, only: Collection[int] | None) -> int:
    rows = DirtyPatient.objects.order_by("pk") if only is None else DirtyPatient.objects.filter(patient_id__in=only)
    wanted = list(rows.values_list("clinic_id", "patient_id")[: limit if only is None else None])
    if not wanted:
        return 0
    # Within somebody's transaction their patients are held already: waiting for a segment could close a circle.
    definitions = hold(Segment.objects.filter(clinic__in={clinic for clinic, _ in wanted}), wait=only is None)
    if definitions is None:
        return 0
    patients = _lock({patient for _, patient in wanted})
    causes = _take(patients)
    moment = now()
    for one in definitions:
        concerned = sorted({patient for patient, source in causes if source in one.sources})
        if concerned:
            guarded(one, partial(bring_up_to_date, one, concerned, moment, Reason.RECORD, causes))
    return len({patient for patient, _ in causes})


def _lock(patients: Collection[int]) -> list[int]:
    rows = Patient._base_manager.filter(pk__in=patients).order_by("pk")
    return list(rows.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True))


TAKE = "DELETE FROM segments_dirtypatient WHERE patient_id = ANY(%s) RETURNING patient_id, source, caused_by_id, muted"
LOOK = "SELECT patient_id, source, caused_by_id, muted FROM segments_dirtypatient WHERE patient_id = ANY(%s)"


def _take(patients: Sequence[int], statement: str = TAKE) -> Causes:
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(patients)])
        return {(row[0], row[1]): Cause(row[2], row[3]) for row in cursor.fetchall()}


def known_causes(patients: Sequence[int]) -> Causes:
    """Return the marks of locked patients and leave them."""
    return _take(patients, LOOK)


HOLD = "SELECT id FROM segments_segment WHERE id = ANY(%s) ORDER BY id FOR SHARE"


def hold(segments: QuerySet[Segment], *, wait: bool = True) -> list[Definition] | None:
    """Return the definitions of dynamic segments in service; nobody edits them until the transaction ends.

    They are held before any patient is. None: somebody edits one right now, and `wait` is false.
    """
    every = list(segments.filter(IN_SERVICE).order_by("pk").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(HOLD if wait else f"{HOLD} SKIP LOCKED", [every])
        held = [row[0] for row in cursor.fetchall()]
    if not wait and len(held) < len(every):
        return None
    return usable(segments.filter(IN_SERVICE, pk__in=held).select_related("clinic").order_by("pk"))


def usable(segments: Iterable[Segment]) -> list[Definition]:
    """Read the definitions, setting aside what cannot be used."""
    found = []
    for segment in segments:
        try:
            found.append(difference.read(segment, segment.clinic.time_zone))
        except RuleInvalid as error:
            set_aside(segment.pk, segment.version, error.errors[0].message)
    return found


def set_aside(segment_id: int, version: int, why: str) -> None:
    """Take a definition that cannot be used out of service, once this transaction is over, until it is edited."""
    logger.error("a segment cannot be worked out", extra={"code": "segment_broken"})
    rows = Segment.objects.filter(pk=segment_id, version=version)
    transaction.on_commit(lambda: rows.update(broken=why[:500], lease_until=None))


def guarded(one: Definition, work: partial[int]) -> int:
    """Do a segment's part in a savepoint: what its definition breaks is undone and keeps no other segment back."""
    try:
        with transaction.atomic():
            return work()
    except Exception as error:
        if claims.is_retriable(error):
            raise
        logger.exception("a segment broke", extra={"code": type(error).__name__})
        set_aside(one.segment_id, one.version, f"{type(error).__name__}: {error}")
        return 0


def bring_up_to_date(
    one: Definition, patients: Sequence[int], moment: datetime, why: str, causes: Causes | None = None
) -> int:
    """Give locked patients the membership that the definition says; return how many entered or left.

    Told to rules, unless the definition is still being built. `why` is the reason for those of whom no change is known.
    """
    rows = difference.crossings(one, moment, patients)
    token = _at_it.set(True)
    try:
        return _write(one, rows, moment, why, causes or {})
    finally:
        _at_it.reset(token)


def _write(one: Definition, rows: Sequence[difference.Crossing], moment: datetime, why: str, causes: Causes) -> int:
    place = Place(one.segment_id, one.clinic_id, one.version)
    memberships.stamp(place, [row.patient_id for row in rows if row.should and row.is_member])
    crossing = [row for row in rows if row.should != row.is_member]
    if not crossing:
        return 0
    if not one.built:
        entering = [row.patient_id for row in crossing if row.should]
        leaving = [row.patient_id for row in crossing if not row.should]
        return memberships.move_quietly(place, entering, leaving, moment)
    known = _by_patient(one, causes)
    return memberships.move(place, [_move(row, why, known.get(row.patient_id)) for row in crossing], moment)


def _move(row: difference.Crossing, why: str, cause: Cause | None) -> Move:
    if cause is None:
        return Move(patient_id=row.patient_id, enters=row.should, reason=why)
    return Move(
        patient_id=row.patient_id,
        enters=row.should,
        reason=Reason.RECORD,
        muted=cause.muted,
        caused_by_id=None if cause.muted else cause.caused_by_id,
    )


def _by_patient(one: Definition, causes: Causes) -> dict[int, Cause]:
    """Join what is known of each patient: heard if anything was, caused by the latest step."""
    found: dict[int, Cause] = {}
    for (patient, source), cause in causes.items():
        if source in one.sources:
            other = found.get(patient, cause)
            steps = [step for step in (cause.caused_by_id, other.caused_by_id) if step is not None]
            found[patient] = Cause(max(steps, default=None), cause.muted and other.muted)
    return found
