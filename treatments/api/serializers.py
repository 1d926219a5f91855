"""Treatment plans, sessions and weekly adherence on the wire."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.guards import REASON_MAX
from clinic.api.bodies import Answer, Body
from clinic.api.fields import Blank, Day, Id, Integer, Moment, Reference, Slug, SlugOf, Text, id_of, one_of
from patients.api.fields import PatientField, PatientId
from patients.api.serializers import MoveBody, specialists
from treatments.exercising import EXERCISES_MAX, INSTRUCTIONS_MAX
from treatments.models import (
    PAIN_MAX,
    SESSIONS_A_WEEK_MAX,
    Exercise,
    ExerciseSession,
    PlanVersion,
    Program,
    TreatmentPlan,
)
from treatments.sessions import NOTE_MAX


def programs(clinic: Any) -> Any:
    """Return the programs that a body may name; whether one is still offered the services ask."""
    return Program.objects.for_clinic(clinic)


class ProgramAnswer(Answer):
    """A kind of plan that the clinic offers."""

    id = Id(source="pk")
    slug = Text()
    name = Text()
    archived = serializers.SerializerMethodField()

    def get_archived(self, row: Program) -> bool:
        """Tell whether it is no longer offered."""
        return row.archived_at is not None


class ProgramBody(Body):
    """A kind of plan to offer."""

    slug = Slug()
    name = Text()


class ExerciseAnswer(Answer):
    """An exercise, and how often a week it is to be done."""

    id = Id(source="pk")
    name = Text()
    instructions = Blank(max_length=INSTRUCTIONS_MAX)
    sessions_per_week = Integer()


class ExerciseBody(Body):
    """An exercise to prescribe."""

    name = Text()
    instructions = Text(max_length=INSTRUCTIONS_MAX, allow_blank=True, required=False)
    sessions_per_week = Integer(min_value=0, max_value=SESSIONS_A_WEEK_MAX)


class PlanAnswer(Answer):
    """What one patient is to do at home. `exercises` are those of the newest version."""

    id = Id(source="pk")
    external_id = Text(allow_null=True)
    patient = PatientId()
    program = SlugOf(allow_null=True)
    name = Text()
    specialist = SlugOf(allow_null=True)
    status = one_of(TreatmentPlan.Status.values)
    starts_on = Day()
    ends_on = Day(allow_null=True)
    active_on = Day(allow_null=True)
    ended_on = Day(allow_null=True)
    version = serializers.SerializerMethodField()
    sessions_per_week = serializers.SerializerMethodField()
    exercises = serializers.SerializerMethodField()
    created_at = Moment()

    def get_version(self, row: TreatmentPlan) -> int:
        """Return how often it was prescribed anew."""
        return newest_of(row).number

    def get_sessions_per_week(self, row: TreatmentPlan) -> int:
        """Return how many sessions a week it asks for."""
        return newest_of(row).sessions_per_week

    @extend_schema_field(ExerciseAnswer(many=True))
    def get_exercises(self, row: TreatmentPlan) -> Any:
        """Return what is to be done."""
        return ExerciseAnswer(newest_of(row).exercises.all(), many=True).data


def newest_of(row: TreatmentPlan) -> PlanVersion:
    """Return the newest version of those that were read along."""
    newest: PlanVersion = max(row.versions.all(), key=lambda one: one.number)
    return newest


class PlanBody(Body):
    """A plan to draft; it is the patient's once it is assigned."""

    patient = PatientField()
    name = Text(required=False)
    program = Reference(programs, allow_null=True, required=False)
    specialist = Reference(specialists, allow_null=True, required=False)
    starts_on = Day(required=False)
    ends_on = Day(allow_null=True, required=False)
    exercises = ExerciseBody(many=True, max_length=EXERCISES_MAX, required=False)  # type: ignore[call-arg]
    external_id = Text(allow_null=True, required=False)


class PlanReasonBody(MoveBody):
    """A change of state, and why."""

    reason = Text(max_length=REASON_MAX, allow_blank=True, required=False)


class SessionAnswer(Answer):
    """An exercise done once."""

    id = Id(source="pk")
    plan = Id(source="plan_id")
    patient = PatientId()
    exercise = Id(source="exercise_id", allow_null=True)
    done_at = Moment()
    done_on = Day()
    pain = Integer(allow_null=True)
    note = Blank(max_length=NOTE_MAX)
    status = one_of(ExerciseSession.Status.values)
    logged_by = one_of(ExerciseSession.By.values)
    created_at = Moment()


@extend_schema_field({"type": "string"})
class ExerciseField(serializers.Field):
    """An exercise of the clinic by id; whether it is this plan's the services ask."""

    def to_internal_value(self, data: Any) -> Exercise:
        """Find the exercise."""
        number = id_of(data) if isinstance(data, str) else None
        rows = Exercise.objects.for_clinic(self.context["clinic"]).select_related("version")
        found = rows.filter(pk=number or 0).first()
        if found is None:
            raise serializers.ValidationError(_("There is no such exercise at this clinic."), code="not_found")
        return found

    def to_representation(self, value: Any) -> str:
        """Show the id."""
        return str(value.pk)


class SessionBody(Body):
    """A session to log: when (now), which exercise, how much it hurt."""

    done_at = Moment(required=False)
    exercise = ExerciseField(required=False, allow_null=True)
    pain = Integer(min_value=0, max_value=PAIN_MAX, allow_null=True, required=False)
    note = Text(max_length=NOTE_MAX, allow_blank=True, required=False)
    logged_by = one_of(ExerciseSession.By.values, required=False)


class WeekAnswer(Answer):
    """One closed week of a plan; `percent` = min(completed, prescribed) / prescribed."""

    week_on = Day()
    first_on = Day()
    last_on = Day()
    prescribed = Integer()
    completed = Integer()
    percent = serializers.FloatField()
    previous = serializers.FloatField(allow_null=True)
    closed_at = Moment()
