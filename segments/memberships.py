"""Write memberships: heard, so that rules learn of each crossing, or quietly, while a definition is being built.

The patients are locked by whoever calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db import connection

from automations.models import Event
from clinic.changes import muted_as
from segments.models import SegmentMembership

Reason = SegmentMembership.Reason
SUBJECT = "segment"
BUILD = "segment defined"
"""Why what a build changes is not told."""
WRITTEN = ["is_member", "reason", "since", "version", "source_step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A patient's way into a segment or out of it: by step `source_step`, or because of what `caused_by` did."""

    patient_id: int
    enters: bool
    reason: str
    muted: str = ""
    caused_by_id: int | None = None
    source_step_id: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where moves lead: the segment, its clinic and the definition that decides."""

    segment_id: int
    clinic_id: int
    version: int


def move(place: Place, moves: Iterable[Move], moment: datetime) -> int:
    """Write the moves and announce each; whoever is there (or is not) already is left alone. Return how many moved."""
    total = 0
    for muted, some in groupby(sorted(moves, key=lambda one: (one.muted, one.patient_id)), key=lambda one: one.muted):
        with muted_as(muted):
            total += _move(place, {one.patient_id: one for one in some}, moment)
    return total


def _move(place: Place, moves: Mapping[int, Move], moment: datetime) -> int:
    known = {row.patient_id: row for row in _rows(place, list(moves))}
    fresh = [
        SegmentMembership(clinic_id=place.clinic_id, segment_id=place.segment_id, patient_id=pk)
        for pk, one in moves.items()
        if one.enters and pk not in known
    ]
    changed = [row for pk, row in known.items() if row.is_member != moves[pk].enters]
    for row in [*fresh, *changed]:
        one = moves[row.patient_id]
        row.is_member, row.reason, row.since, row.version = one.enters, one.reason, moment, place.version
        row.source_step_id = one.source_step_id
        row.caused_by_step_id = one.caused_by_id  # type: ignore[attr-defined] # what clinic.changes looks for
    if fresh:
        SegmentMembership.objects.bulk_create(fresh)
    if changed:
        SegmentMembership.objects.bulk_update(changed, WRITTEN)
    return len(fresh) + len(changed)


def _rows(place: Place, patients: Sequence[int]) -> list[SegmentMembership]:
    rows = SegmentMembership.objects.filter(segment_id=place.segment_id, patient_id__in=patients)
    return list(rows.order_by("patient_id"))


ENTER = """
INSERT INTO segments_segmentmembership AS m
       (clinic_id, segment_id, patient_id, is_member, reason, since, version, revision, created_at)
SELECT %(clinic)s, %(segment)s, one.id, true, %(reason)s, %(since)s, %(version)s, 1, clinic_now()
  FROM unnest(%(patients)s::bigint[]) AS one(id)
    ON CONFLICT (segment_id, patient_id) DO UPDATE SET is_member = true, reason = excluded.reason,
       since = excluded.since, version = excluded.version, source_step_id = NULL, revision = m.revision + 1
"""
LEAVE = """
UPDATE segments_segmentmembership SET is_member = false, reason = %(reason)s, since = %(since)s,
       version = %(version)s, source_step_id = NULL, revision = revision + 1
 WHERE segment_id = %(segment)s AND patient_id = ANY(%(patients)s) AND is_member
"""
STAMP = """
UPDATE segments_segmentmembership SET version = %(version)s
 WHERE segment_id = %(segment)s AND patient_id = ANY(%(patients)s) AND is_member
"""


def move_quietly(place: Place, entering: Sequence[int], leaving: Sequence[int], moment: datetime) -> int:
    """Write what a definition decided and tell nobody.

    Only memberships that rules have heard of go the announced way, muted: what those rules still plan is stopped.
    """
    heard = _heard_of(place, [*entering, *leaving])
    moves = [Move(patient_id=pk, enters=True, reason=Reason.DEFINITION, muted=BUILD) for pk in entering if pk in heard]
    moves += [Move(patient_id=pk, enters=False, reason=Reason.DEFINITION, muted=BUILD) for pk in leaving if pk in heard]
    move(place, moves, moment)
    _execute(ENTER, place, [pk for pk in entering if pk not in heard], moment)
    _execute(LEAVE, place, [pk for pk in leaving if pk not in heard], moment)
    return len(entering) + len(leaving)


def _heard_of(place: Place, patients: Sequence[int]) -> set[int]:
    ids = {row.pk: row.patient_id for row in _rows(place, patients)} if patients else {}
    told = Event.objects.filter(subject_type=SUBJECT, subject_id__in=list(ids), muted="").order_by()
    return {ids[pk] for pk in told.values_list("subject_id", flat=True).distinct()} if ids else set()


def stamp(place: Place, patients: Sequence[int]) -> None:
    """Note that the present definition keeps these members."""
    _execute(STAMP, place, patients, None)


def _execute(statement: str, place: Place, patients: Sequence[int], moment: datetime | None) -> None:
    if not patients:
        return
    values = {"clinic": place.clinic_id, "segment": place.segment_id, "version": place.version}
    with connection.cursor() as cursor:
        cursor.execute(
            statement, {**values, "patients": list(patients), "reason": Reason.DEFINITION.value, "since": moment}
        )
