"""Segments on the wire."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.api.bodies import Answer, Body
from clinic.api.fields import A_LETTER, MADE_SLUG, Blank, Boolean, Id, Integer, Moment, Text, one_of
from patients.api.fields import PatientField, PatientId
from segments.models import Segment, SegmentMembership

DESCRIPTION_MAX = 5_000


@extend_schema_field({"$ref": "#/components/schemas/Conditions"})
class Conditions(serializers.JSONField):
    """A tree of conditions about the patient, as in rules; every wrong place of it is named."""


@extend_schema_field({"type": "string", "pattern": MADE_SLUG, "maxLength": 80, "description": A_LETTER})
class SegmentSlug(Text):
    """The short name of a segment; the service judges it."""


class SegmentAnswer(Answer):
    """A group of patients. `built`: its members are those of this definition already."""

    id = Id(source="pk")
    slug = Text()
    name = Text()
    description = Blank(max_length=DESCRIPTION_MAX)
    kind = one_of(Segment.Kind.values)
    conditions = serializers.SerializerMethodField()
    version = Integer()
    built = serializers.SerializerMethodField()
    broken = Blank(max_length=500)
    member_count = Integer()
    archived = serializers.SerializerMethodField()
    created_at = Moment()

    def get_conditions(self, row: Segment) -> dict[str, Any] | None:
        """Return the conditions; null for a manual segment."""
        return dict(row.conditions) if row.is_dynamic else None

    def get_built(self, row: Segment) -> bool:
        """Tell whether its membership is worked out."""
        return not row.is_dynamic or row.built_version == row.version

    def get_archived(self, row: Segment) -> bool:
        """Tell whether it was put away."""
        return row.archived_at is not None


class SegmentChange(Body):
    """What may change of a segment; its slug and kind stay."""

    name = Text(required=False)
    description = Text(max_length=DESCRIPTION_MAX, allow_blank=True, required=False)
    conditions = Conditions(required=False)
    archived = Boolean(required=False)


class SegmentBody(Body):
    """A segment to define; a slug is made of the name unless given."""

    name = Text()
    slug = SegmentSlug(max_length=80, required=False)
    kind = one_of(Segment.Kind.values, required=False)
    description = Text(max_length=DESCRIPTION_MAX, allow_blank=True, required=False)
    conditions = Conditions(required=False, allow_null=True)


class MemberAnswer(Answer):
    """A patient who is in a segment."""

    patient = PatientId()
    since = Moment()
    reason = one_of(SegmentMembership.Reason.values)


class MemberBody(Body):
    """Whom to add."""

    patient = PatientField()


class PreviewBody(Body):
    """Conditions to try; `as_of` asks the same of another day."""

    conditions = Conditions()
    as_of = Moment(required=False)


class PreviewAnswer(Answer):
    """How many of how many active patients match, and the first few."""

    count = Integer()
    of = Integer()
    sample = serializers.ListField(child=serializers.DictField())
