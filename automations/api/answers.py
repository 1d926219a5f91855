"""The shapes of what endpoints answer when they are asked: dry runs, back-tests, explanations."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from automations.api.fields import REASON, VerdictField
from automations.api.serializers import ActionOfStepSerializer, SubjectSerializer
from automations.models import Step
from clinic.api.bodies import Answer
from clinic.api.fields import Moment


@extend_schema_field(REASON)
class ReasonField(serializers.JSONField):
    """A reason, {code, text} or null."""


class SupposedStepSerializer(Answer):
    """A step that would be planned."""

    action = ActionOfStepSerializer()
    state = serializers.ChoiceField(Step.State.choices)
    due_at = Moment()
    not_after = Moment(allow_null=True)
    waiting_for = serializers.CharField(allow_null=True)
    reason = ReasonField(allow_null=True)
    only_if = VerdictField(allow_null=True, help_text="What its own conditions say as things stand; null: it has none.")
    blanks = serializers.ListField(
        child=serializers.CharField(),
        help_text="Why its text cannot be made: variables that the trigger never fills in.",
    )


class SupposedSubjectSerializer(SubjectSerializer):
    """What the event would be about; no id: the patient has none of the kind."""

    id = serializers.CharField(allow_null=True)


class DryRunSerializer(Answer):
    """What a rule would do for a patient."""

    outcome = serializers.ChoiceField(("matched", "suppressed", "not_matched"))
    reason = ReasonField(allow_null=True)
    verdict = VerdictField()
    steps = SupposedStepSerializer(many=True)
    at = Moment()
    subject = SupposedSubjectSerializer()


class DayCountSerializer(Answer):
    """One day of the clinic's calendar."""

    day = serializers.DateField()
    count = serializers.IntegerField()


class BacktestSerializer(Answer):
    """How often a rule would have run."""

    days = serializers.IntegerField()
    since = Moment()
    until = Moment()
    evaluated = serializers.IntegerField(help_text="Events of its trigger.")
    matched = serializers.IntegerField()
    ran = serializers.IntegerField(help_text="Matched and not suppressed.")
    suppressed = serializers.DictField(child=serializers.IntegerField(), help_text="By code.")
    steps = serializers.DictField(child=serializers.IntegerField(), help_text="By the action's id.")
    held = serializers.IntegerField(help_text="Messages that quiet hours would have held.")
    capped = serializers.IntegerField(help_text="Runs beyond the rule's hourly cap.")
    per_day = DayCountSerializer(many=True)
    most_per_patient = serializers.IntegerField()
    unknown_facts = serializers.ListField(
        child=serializers.DictField(), help_text="Facts that nobody can tell any more, and of how many events."
    )


class ExplainedSerializer(Answer):
    """One event, and what the rule made of it."""

    event = serializers.CharField()
    outcome = serializers.ChoiceField(("matched", "suppressed", "error", "not_matched", "not_considered"))
    verdict = VerdictField(allow_null=True)
    reason = ReasonField(allow_null=True)
    trigger_event = serializers.CharField()
    occurred_at = Moment()
    rule_version = serializers.IntegerField(allow_null=True)
    run = serializers.CharField(allow_null=True)
    steps = serializers.ListField(child=serializers.CharField())
    unknown_facts = serializers.ListField(child=serializers.CharField())


class ExplanationSerializer(Answer):
    """Why a rule ran, or did not, for a patient: in sentences, and event by event."""

    text = serializers.CharField()
    events = ExplainedSerializer(many=True)
