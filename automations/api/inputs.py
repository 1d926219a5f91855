"""What clients send to the endpoints of rules, but for rules themselves: those the engine reads."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from automations.backtest import MAX_DAYS
from automations.lifecycle import OVERDUE
from automations.models import Rule
from automations.named_events import MAX_KEYS, NAME
from clinic.api.bodies import Body
from clinic.api.fields import Blank, Boolean, Integer, Moment, Text, id_of, one_of

MODES = (Rule.Mode.ON.value, Rule.Mode.REVIEW.value)
PATIENT = {
    "anyOf": [
        {"type": "string", "description": "The patient's id."},
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["external_id"],
            "properties": {"external_id": {"type": "string", "minLength": 1, "maxLength": 200}},
        },
    ]
}


def patient_of(clinic: Any, value: Any) -> Any:
    """Return the clinic's patient that is named by id or {"external_id": …}; None if there is none."""
    rows = apps.get_model("patients", "Patient").objects.for_clinic(clinic)
    if isinstance(value, dict):
        return rows.filter(external_id=value["external_id"]).first()
    number = id_of(value)
    return rows.filter(pk=number).first() if number is not None else None


@extend_schema_field(PATIENT)
class PatientField(serializers.Field):
    """A patient of the clinic, by id or by the caller's own number."""

    def to_internal_value(self, data: Any) -> Any:
        """Find the patient."""
        by_number = isinstance(data, dict) and list(data) == ["external_id"] and isinstance(data["external_id"], str)
        if not isinstance(data, str) and not by_number:
            raise serializers.ValidationError(_("Name a patient by id or by {“external_id”: …}."), code="type")
        found = patient_of(self.context["clinic"], data)
        if found is None:
            raise serializers.ValidationError(_("This clinic has no such patient."), code="not_found")
        return found


@extend_schema_field(
    {
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "required": ["id"],
                "properties": {"type": {"type": "string"}, "id": {"type": "string"}},
            },
        ]
    }
)
class SubjectField(serializers.Field):
    """What an event is about: its id, or {"type", "id"} as events show it."""

    def to_internal_value(self, data: Any) -> str:
        """Return the id."""
        named = data.get("id") if isinstance(data, dict) and set(data) <= {"type", "id"} else data
        if not isinstance(named, str) or not named:
            raise serializers.ValidationError(_("Name the subject by id."), code="type")
        return named


@extend_schema_field(PATIENT)
class TargetField(serializers.JSONField):
    """What is stopped: a rule by slug or id, a patient by id or the caller's own number; null: the clinic."""


@extend_schema_field({"type": "string", "pattern": f"^{NAME.pattern}$", "maxLength": 60})
class EventNameField(Text):
    """What a named event is called; the service judges it."""


@extend_schema_field({"type": "object", "additionalProperties": True, "maxProperties": MAX_KEYS})
class EventDataField(serializers.JSONField):
    """What a named event carries; the service judges it, place by place."""


class PublishBody(Body):
    """Publish the draft."""

    mode = one_of(MODES, required=False, help_text="As it acts now, else on.")
    apply_to_pending = Boolean(default=False, help_text="What is planned takes the new wording too.")


class PauseBody(Body):
    """Pause a rule."""

    why = Blank(max_length=500)


class ResumeBody(Body):
    """Go on after a pause."""

    overdue = one_of(OVERDUE, required=False, help_text="Needed where steps became due meanwhile.")
    mode = one_of(MODES, default=Rule.Mode.ON.value)


class DryRunBody(Body):
    """Suppose that the rule's event happens."""

    patient = PatientField()
    subject = SubjectField(required=False, help_text="The visit, form, … that it is about; else the newest.")
    at = Moment(required=False, help_text="When; now unless given.")


class BacktestBody(Body):
    """Ask the last days."""

    days = Integer(min_value=1, max_value=MAX_DAYS, default=30)


class InstallBody(Body):
    """Install a shipped rule."""

    mode = one_of(("draft", *MODES), default="draft")


class StopBody(Body):
    """Stop executing and sending."""

    scope = one_of(("clinic", "rule", "patient"))
    target = TargetField(required=False, allow_null=True, help_text="The rule's slug or id, or the patient.")
    why = Text(max_length=300)


class NamedEventBody(Body):
    """Something that happened to a patient, told by another system."""

    name = EventNameField(max_length=200, help_text="Rules ask for it exactly.")
    patient = PatientField()
    data = EventDataField(required=False, help_text="An object of JSON values; a rule asks for `event.<key>`.")  # type: ignore[assignment]
    occurred_at = Moment(required=False, help_text="When; now unless given.")
