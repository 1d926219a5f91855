"""Questions about segments: who is in one, which one a patient is in, whom conditions would match."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Clinic
from accounts.selectors import local_date
from automations.sql import compile_group
from clinic.clock import now
from clinic.errors import ClinicError
from patients.models import Patient
from segments import definition
from segments.models import Segment, SegmentMembership

SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """How many of how many patients conditions match, and the first few of them."""

    count: int
    of: int
    sample: list[Patient]


def preview(clinic: Clinic, conditions: Any, as_of: datetime | None = None, *, sample: int = SAMPLE) -> Preview:
    """Ask conditions of the clinic's patients as of a moment (now); nothing is stored.

    `of` counts the active patients who were born by that day and alive on it; an unknown date of birth counts as born.
    Raises RuleInvalid with every problem, or ClinicError for a moment without a zone.
    """
    if as_of is not None and as_of.tzinfo is None:
        raise ClinicError("Name the time zone of the moment.", code="naive_time", path="as_of")
    moment = as_of or now()
    group = definition.check(clinic, conditions)
    everybody = living(clinic, moment)
    matched = everybody.filter(compile_group(group, moment, ZoneInfo(clinic.time_zone)))
    return Preview(matched.count(), everybody.count(), list(matched.order_by("pk")[:sample]))


def living(clinic: Clinic, moment: datetime) -> QuerySet[Patient]:
    """Return the clinic's active patients, born by the local day of a moment and alive on it."""
    day = local_date(clinic, moment)
    born = Q(birth_date=None) | Q(birth_date__lte=day)
    alive = Q(deceased_on=None) | Q(deceased_on__gt=day)
    return Patient.objects.for_clinic(clinic).filter(born, alive, status=Patient.Status.ACTIVE).order_by()


def member_ids(clinic: Clinic, slug: str) -> list[int]:
    """Return the ids of the patients in a segment, by its slug. Raises ClinicError if the clinic has none such."""
    segment = Segment.objects.for_clinic(clinic).filter(slug=slug, archived_at=None).first()
    if segment is None:
        message = _("This clinic has no segment “%(slug)s” in use.") % {"slug": slug}
        raise ClinicError(message, code="not_found", path="segment")
    return list(members(segment).values_list("patient_id", flat=True))


def members(segment: Segment) -> QuerySet[SegmentMembership]:
    """Return who is in a segment now, the earliest first."""
    rows = SegmentMembership.objects.filter(segment=segment, is_member=True)
    return rows.select_related("patient").order_by("pk")


def counted(clinic: Any) -> Any:
    """Return the clinic's segments with `member_count`, those in service first."""
    inside = Count("memberships", filter=Q(memberships__is_member=True))
    rows = Segment.objects.for_clinic(clinic).annotate(member_count=inside)
    return rows.order_by(F("archived_at").asc(nulls_first=True), "name", "pk")


def crossings(segment: Segment, *, inside: bool) -> QuerySet[SegmentMembership]:
    """Return who is in a segment, or who was and left, each with since when and why; the latest first."""
    rows = SegmentMembership.objects.filter(segment=segment, is_member=inside)
    rows = rows.select_related("patient", "source_step__rule")
    return rows.defer("source_step__config", "source_step__result", "source_step__rule__draft").order_by(
        "-since", "-pk"
    )


def segments_of(patient: Patient) -> QuerySet[Segment]:
    """Return the segments in service that a patient is in."""
    mine = SegmentMembership.objects.filter(patient=patient, is_member=True).values("segment_id")
    return Segment.objects.filter(pk__in=mine, archived_at=None).order_by("name")


def by_slug(clinic: Any, slug: str) -> Segment:
    """Return the clinic's segment of that slug. Raises ClinicError."""
    segment = Segment.objects.for_clinic(clinic).filter(slug=slug).first()
    if segment is None:
        raise ClinicError(f"There is no segment “{slug}” here.", code="not_found", path="segment")
    return segment
