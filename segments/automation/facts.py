"""What conditions may ask of a crossing, and of the segments that a patient is in."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Fact, FactType, register
from segments.models import SegmentMembership


def _slugs(ctx: Any) -> Any:
    rows = SegmentMembership.objects.filter(
        patient_id=ctx.outer_patient_id, is_member=True, segment__archived_at__isnull=True
    )
    return ArraySubquery(rows.order_by("segment__slug").values_list("segment__slug", flat=True))


register(
    Fact(
        key="segment.segment",
        label=_("Segment"),
        type=FactType.reference,
        doc=_("Which segment it is."),
        example={"field": "segment.segment", "op": "is_any_of", "value": ["high-pain-inactive"]},
        subject="segment",
        reference="segment",
        value=lambda view: view.new["segment_id"],
    )
)
register(
    Fact(
        key="segment.reason",
        label=_("Why the patient entered or left"),
        type=FactType.choice,
        doc=_("A change of the patient's record, time alone, a person of the staff, or an automation."),
        example={"field": "segment.reason", "op": "is_any_of", "value": ["time"]},
        subject="segment",
        choices=SegmentMembership.Reason.choices,
        value=lambda view: view.new["reason"],
    )
)
register(
    Fact(
        key="patient.segments",
        label=_("Segments"),
        type=FactType.list,
        doc=_("The segments that the patient is in, archived ones left out."),
        example={"field": "patient.segments", "op": "has_any_of", "value": ["high-pain-inactive"]},
        reference="segment",
        sources=("segments.SegmentMembership",),
        expression=_slugs,
    )
)
