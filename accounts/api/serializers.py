"""The clinic, its specialists and the audit trail on the wire."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import Clinic
from clinic.api.bodies import Answer, Body
from clinic.api.fields import Blank, Clock, Id, Integer, Moment, Text

CAPS = tuple(f"cap_{kind}_{span}" for kind in ("survey", "marketing", "total") for span in ("day", "week"))


class ClinicAnswer(Answer):
    """The clinic and its settings. `week_start` and `closed_weekdays` count from 0, Monday; a cap of null is none."""

    id = Id(source="pk")
    slug = Text(read_only=True)
    name = Text()
    time_zone = Text(max_length=64)
    language = Text(max_length=10)
    phone = Blank(max_length=40)
    address = Blank(max_length=300)
    week_start = Integer(min_value=0, max_value=6)
    quiet_start = Clock(allow_null=True)
    quiet_end = Clock(allow_null=True)
    closed_weekdays = serializers.ListField(child=Integer(min_value=0, max_value=6), max_length=6)
    undo_seconds = Integer(min_value=0, max_value=Clinic.MAX_UNDO_SECONDS)
    age_of_consent = Integer(min_value=0, max_value=120)
    cap_survey_day = Integer(min_value=1, max_value=32_767, allow_null=True)
    cap_survey_week = Integer(min_value=1, max_value=32_767, allow_null=True)
    cap_marketing_day = Integer(min_value=1, max_value=32_767, allow_null=True)
    cap_marketing_week = Integer(min_value=1, max_value=32_767, allow_null=True)
    cap_total_day = Integer(min_value=1, max_value=32_767, allow_null=True)
    cap_total_week = Integer(min_value=1, max_value=32_767, allow_null=True)
    adherence_grace_hours = Integer(min_value=0, max_value=72)


class ClinicChange(ClinicAnswer, Body):
    """Settings to change; what is left out stays."""


class SpecialistAnswer(Answer):
    """A member of staff who sees patients."""

    id = Id(source="pk")
    slug = Text()
    name = Text()
    active = serializers.BooleanField(source="is_active")


class AuditAnswer(Answer):
    """One entry of the audit trail. `patients` of `detail` names those whose records a list showed."""

    id = Id(source="pk")
    at = Moment()
    actor = serializers.SerializerMethodField()
    action = Text()
    object = serializers.SerializerMethodField()
    patient = serializers.SerializerMethodField()
    detail = serializers.DictField()
    ip = Text(allow_null=True)

    def get_actor(self, row: Any) -> dict[str, str | None]:
        """Return who acted: a user, a token, a patient, the system."""
        return {"type": row.actor_kind, "id": None if row.actor_id is None else str(row.actor_id)}

    def get_object(self, row: Any) -> dict[str, str] | None:
        """Return what it was done to."""
        return {"type": row.object_type, "id": row.object_id} if row.object_type else None

    def get_patient(self, row: Any) -> str | None:
        """Return the patient concerned."""
        return None if row.patient_id is None else str(row.patient_id)
