"""What spans apps, on the wire: a patient's timeline, and the figures of a clinic's automations."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.api.bodies import Answer
from clinic.api.fields import Id, Moment
from staff.timeline import Line

REASON = {
    "anyOf": [
        {
            "type": "object",
            "required": ["code", "text"],
            "properties": {"code": {"type": "string"}, "text": {"type": "string"}},
        },
        {"type": "null"},
    ]
}
KINDS = ("appointment", "delivery", "event", "form", "run", "step")


class LineSerializer(Answer):
    """One thing on a timeline: when, which row, in which state, by which rule, and why (not)."""

    at = Moment(help_text="When it happened, or will.")
    kind = serializers.ChoiceField(KINDS, help_text="What kind of row `id` names.")
    id = Id()
    title = serializers.CharField(help_text="What it is, in words, in the language of the request.")
    state = serializers.CharField(help_text="The row's state: of a step, a delivery, a visit, a form, an event, a run.")
    reason = serializers.SerializerMethodField()
    rule = serializers.SerializerMethodField()
    event = Id(source="event_id", allow_null=True)
    run = Id(source="run_id", allow_null=True)
    step = Id(source="step_id", allow_null=True)

    @extend_schema_field(REASON)
    def get_reason(self, line: Line) -> dict[str, Any] | None:
        """Say why it waits, or why it did not happen."""
        return {"code": line.reason[0], "text": line.reason[1]} if line.reason else None

    def get_rule(self, line: Line) -> str | None:
        """Name the rule behind it."""
        return line.rule.slug if line.rule is not None else None


class TimelineSerializer(Answer):
    """The three parts. Past and suppressed are newest first, upcoming soonest first."""

    past = LineSerializer(many=True)
    upcoming = LineSerializer(many=True)
    suppressed = LineSerializer(many=True, help_text="What a rule would have done and did not, and why.")
    earlier = Moment(allow_null=True, help_text="There is more: send it back as `before`.")


class UpcomingSerializer(Answer):
    """What is planned, soonest first."""

    next = serializers.CharField(allow_null=True, help_text="Always null: ask with a higher `limit` or `days`.")
    previous = serializers.CharField(allow_null=True)
    results = LineSerializer(many=True)


class StatsSerializer(Answer):
    """How much happened: each part by its key, and how many."""

    since = Moment()
    until = Moment()
    events = serializers.DictField(child=serializers.IntegerField(), help_text="By trigger; recorded in the time.")
    runs = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()), help_text="By rule, then by outcome."
    )
    steps = serializers.DictField(child=serializers.IntegerField(), help_text="By state; planned in the time.")
    deliveries = serializers.DictField(child=serializers.IntegerField(), help_text="By state; made in the time.")
