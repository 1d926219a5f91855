"""The shapes of rules, events, runs and steps on the wire."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from automations.api.fields import (
    REASON,
    ActionsField,
    AnythingField,
    ConditionsField,
    ConfigField,
    SettingsField,
    TriggerField,
    VerdictField,
)
from automations.models import Event, Rule, Run, Step
from clinic.api.bodies import Answer
from clinic.api.fields import Id, Moment


class RuleSerializer(Answer):
    """A rule: what people call it, its draft with every default, and how it is doing."""

    id = serializers.CharField()
    slug = serializers.SlugField(max_length=80)
    name = serializers.CharField(max_length=200)
    description = serializers.CharField()
    mode = serializers.ChoiceField(Rule.Mode.choices)
    mode_reason = serializers.CharField(help_text="Why it was paused, archived or quarantined.")
    enabled = serializers.BooleanField(help_text="Mode on or review.")
    trigger_event = TriggerField(allow_null=True)
    trigger_config = ConfigField()
    conditions = ConditionsField()
    actions = ActionsField()
    settings = SettingsField()
    version = serializers.IntegerField(allow_null=True, help_text="The published version; null: never published.")
    unpublished_changes = serializers.BooleanField(help_text="What you read here differs from the published version.")
    execution_count = serializers.IntegerField(help_text="How many events it has matched.")
    last_executed_at = Moment(allow_null=True)
    sentence = serializers.CharField(help_text="The draft in plain words, in the language of the request.")
    broken = serializers.CharField(allow_null=True, help_text="What it names that is gone, or why it cannot be used.")
    recipe = serializers.CharField(allow_null=True, help_text="The recipe it was installed from.")
    created_at = Moment()


class WarningSerializer(Answer):
    """Something to know before publishing: it refuses nothing."""

    path = serializers.CharField(help_text="The place in the rule (JSON Pointer); empty: the whole.")
    code = serializers.CharField()
    text = serializers.CharField()


class SentenceSerializer(Answer):
    """A rule in plain words, in its parts, and how the draft differs from what is published."""

    sentence = serializers.CharField()
    opening = serializers.CharField()
    steps = serializers.ListField(child=serializers.CharField())
    limits = serializers.ListField(child=serializers.CharField())
    differences = serializers.ListField(child=serializers.CharField(), help_text="Draft against published version.")
    warnings = WarningSerializer(many=True, help_text="How the draft may get in its own way or in that of others.")
    broken = serializers.CharField(allow_null=True)


class VersionSerializer(Answer):
    """One published wording, and how it differs from the one before, a sentence a difference."""

    number = serializers.IntegerField()
    current = serializers.BooleanField(help_text="Events are matched with this version.")
    published_at = Moment()
    published_by = serializers.CharField(allow_null=True, help_text="null: a token or the program itself.")
    trigger_event = serializers.CharField()
    trigger_config = ConfigField()
    conditions = ConditionsField()
    actions = ActionsField()
    settings = SettingsField()
    sentence = serializers.CharField()
    differences = serializers.ListField(child=serializers.CharField())
    broken = serializers.CharField(allow_null=True)


class SubjectSerializer(Answer):
    """What an event is about."""

    type = serializers.CharField()
    id = serializers.CharField()


class EventSerializer(Answer):
    """Something that happened, and what it caused."""

    id = Id(source="pk")
    trigger_event = serializers.CharField(source="trigger")
    patient = Id(source="patient_id")
    subject = serializers.SerializerMethodField()
    name = serializers.SerializerMethodField()
    data = serializers.SerializerMethodField()  # type: ignore[assignment]
    occurred_at = Moment()
    recorded_at = Moment(source="created_at")
    state = serializers.ChoiceField(Event.State.choices)
    runs = serializers.SerializerMethodField()
    caused_by = Id(source="caused_by_id", allow_null=True, help_text="The step that made it happen.")
    depth = serializers.IntegerField(help_text="How many rules stand between it and what a person did.")
    muted = serializers.CharField(help_text="Why no rule answers it; empty: rules do.")

    @extend_schema_field({"type": ["string", "null"], "description": "Of a named event: what it was called."})
    def get_name(self, event: Event) -> str | None:
        """Name what another system told."""
        return event.data.get("name")

    @extend_schema_field({"type": "object", "description": "Codes, ids and moments; of a named event, what was sent."})
    def get_data(self, event: Event) -> dict[str, Any]:
        """Give what the event carries: the record as it then was, or what another system sent."""
        sent: dict[str, Any] = event.data.get("sent", event.data)
        return sent

    @extend_schema_field(SubjectSerializer)
    def get_subject(self, event: Event) -> dict[str, str]:
        """Name the row that it is about."""
        return {"type": event.subject_type, "id": str(event.subject_id)}

    def get_runs(self, event: Event) -> list[str]:
        """List the runs that answered it."""
        return [str(run.pk) for run in event.runs.all()]


def reason_json(row: Any) -> dict[str, str] | None:
    """Show a run's or step's reason; None if there is none."""
    return {"code": row.reason, "text": row.reason_text or row.reason} if row.reason else None


class RunSerializer(Answer):
    """A rule's answer to an event, with the values that its conditions saw."""

    id = Id(source="pk")
    rule = serializers.CharField(source="rule_slug")
    rule_version = serializers.IntegerField(source="version_number", allow_null=True)
    event = Id(source="event_id")
    patient = Id(source="patient_id")
    outcome = serializers.ChoiceField(Run.Outcome.choices)
    reason = serializers.SerializerMethodField()
    verdict = VerdictField(allow_null=True)
    steps = serializers.SerializerMethodField()
    created_at = Moment()

    @extend_schema_field(REASON)
    def get_reason(self, run: Run) -> dict[str, str] | None:
        """Say why it was suppressed or met an error."""
        return reason_json(run)

    def get_steps(self, run: Run) -> list[str]:
        """List its steps, in the order of the rule's actions."""
        return [str(step.pk) for step in run.steps.all()]


class ActionOfStepSerializer(Answer):
    """Which action of the rule a step carries out."""

    id = serializers.CharField()
    type = serializers.CharField()


class StepSerializer(Answer):
    """One action of one run, from its plan to its end."""

    id = Id(source="pk")
    run = Id(source="run_id")
    rule = serializers.CharField(source="rule_slug")
    patient = Id(source="patient_id")
    action = serializers.SerializerMethodField()
    role = serializers.CharField(help_text="Who it is for: patient, specialist, clinic_admins, … or a slug.")
    state = serializers.ChoiceField(Step.State.choices)
    due_at = Moment()
    waiting_for = serializers.SerializerMethodField()
    not_after = Moment(allow_null=True)
    reason = serializers.SerializerMethodField()
    attempts = serializers.IntegerField()
    result = AnythingField(help_text="What it made, by id; null: nothing.")
    finished_at = Moment(allow_null=True)

    @extend_schema_field(ActionOfStepSerializer)
    def get_action(self, step: Step) -> dict[str, str]:
        """Name the action."""
        return {"id": step.action_id, "type": step.action}

    def get_waiting_for(self, step: Step) -> str | None:
        """Name the trigger it waits for; then `due_at` is how long it waits at most."""
        return step.waiting_for or None

    @extend_schema_field(REASON)
    def get_reason(self, step: Step) -> dict[str, str] | None:
        """Say why it is held, or why it ended without its effect."""
        return reason_json(step)


class RecipeSerializer(Answer):
    """A shipped rule: its definition, what it needs by slug, and whether the clinic has it."""

    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    trigger_event = serializers.CharField()
    trigger_config = serializers.JSONField(required=False)
    conditions = serializers.JSONField(required=False)
    actions = serializers.JSONField()
    settings = serializers.JSONField(required=False)
    needs = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    installed = serializers.BooleanField()
    mode = serializers.ChoiceField(Rule.Mode.choices, allow_null=True, help_text="How the clinic's stands.")


class CatalogSerializer(Answer):
    """What rules are made of. Each `schema` is JSON Schema (2020-12); the one at the end is a whole rule's."""

    triggers = serializers.ListField(child=serializers.DictField())
    facts = serializers.ListField(child=serializers.DictField())
    operators = serializers.ListField(child=serializers.DictField())
    actions = serializers.ListField(child=serializers.DictField())
    anchors = serializers.ListField(child=serializers.DictField())
    subjects = serializers.ListField(child=serializers.DictField())
    references = serializers.ListField(child=serializers.DictField())
    schema = serializers.DictField()


class StopSerializer(Answer):
    """A stop switch that stands: while it does, nothing of its scope is executed or sent."""

    id = Id(source="pk")
    scope = serializers.CharField()
    target = serializers.CharField(allow_null=True, help_text="A rule's slug or a patient's id; null: the clinic.")
    why = serializers.CharField()
    since = Moment(source="created_at")
