"""Who must enter a segment and who must leave it: one statement a segment, however many patients there are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BigIntegerField, F, QuerySet, Value

from automations.engine.values import Group
from automations.sql import Bool, compile_group
from patients import selectors as patients
from patients.models import Patient
from segments import definition
from segments.models import Segment


@dataclass(frozen=True, slots=True)
class Definition:
    """A dynamic segment's conditions as of one version; `built`: its membership as a whole is of this version."""

    segment_id: int
    clinic_id: int
    version: int
    built: bool
    group: Group
    zone: ZoneInfo
    sources: frozenset[str]

    @property
    def depends_on_time(self) -> bool:
        """Tell whether it must be swept."""
        return definition.depends_on_time(self.group)


class Crossing(NamedTuple):
    """A patient whose membership is not what the definition says, or is of an older definition."""

    patient_id: int
    should: bool
    is_member: bool


DIFFERENCE = """
WITH matched(id) AS ({matched}), current AS (
  SELECT patient_id, version FROM segments_segmentmembership WHERE segment_id = %s AND is_member {among})
SELECT coalesce(matched.id, current.patient_id), matched.id IS NOT NULL, current.patient_id IS NOT NULL
  FROM matched FULL JOIN current ON current.patient_id = matched.id
 WHERE matched.id IS NULL OR current.patient_id IS NULL OR current.version <> %s
 ORDER BY 1
"""


def read(segment: Segment, zone: str) -> Definition:
    """Return a segment's definition. Raises RuleInvalid if it cannot be used any more."""
    group = definition.parse(segment.conditions)
    return Definition(
        segment_id=segment.pk,
        clinic_id=segment.clinic_id,
        version=segment.version,
        built=segment.built_version == segment.version,
        group=group,
        zone=ZoneInfo(zone),
        sources=definition.sources(group),
    )


def matching(one: Definition, moment: datetime) -> QuerySet[Patient]:
    """Return the active patients who meet the conditions at a moment."""
    return patients.active(one.clinic_id).filter(compile_group(one.group, moment, one.zone)).order_by()


def crossings(one: Definition, moment: datetime, among: Collection[int] | None = None) -> list[Crossing]:
    """Compare who should be in the segment with who is (`among` these patients), in the order of their ids."""
    rows = matching(one, moment)
    if among is not None:
        ids = Value(sorted(among), output_field=ArrayField(BigIntegerField()))
        rows = rows.filter(Bool("%(expressions)s::bigint[])", F("pk"), ids, arg_joiner=" = ANY("))
    matched, params = rows.values("pk").query.sql_with_params()
    narrowed = "" if among is None else "AND patient_id = ANY(%s)"
    extra = [] if among is None else [sorted(among)]
    with connection.cursor() as cursor:
        statement = DIFFERENCE.format(matched=matched, among=narrowed)
        cursor.execute(statement, [*params, one.segment_id, *extra, one.version])
        return [Crossing(*row) for row in cursor.fetchall()]
