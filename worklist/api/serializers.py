"""Tasks on the wire."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import Membership
from clinic.api.bodies import Answer, Body
from clinic.api.fields import Blank, Id, Moment, Reference, SlugOf, Text, one_of
from patients.api.fields import PatientField
from worklist.models import Task

DETAILS_MAX = 10_000


def staff(clinic: Any) -> Any:
    """Return who may be named; whether they still work here the services ask."""
    return Membership.objects.for_clinic(clinic)


class TaskAnswer(Answer):
    """Something a person of the clinic should do."""

    id = Id(source="pk")
    patient = Id(source="patient_id", allow_null=True)
    title = Text()
    details = Blank(max_length=None)
    assignee = SlugOf(allow_null=True)
    role = Blank(max_length=20)
    due_at = Moment(allow_null=True)
    priority = one_of(Task.Priority.values)
    status = one_of(Task.Status.values)
    about = serializers.SerializerMethodField()
    finished_at = Moment(allow_null=True)
    finished_by = SlugOf(allow_null=True)
    source_step = Id(source="source_step_id", allow_null=True)
    created_at = Moment()

    def get_about(self, row: Task) -> dict[str, str] | None:
        """Return the record it is about."""
        return {"type": row.about_type, "id": str(row.about_id)} if row.about_type else None


class TaskBody(Body):
    """A task for a person, or for whoever of a role claims it first."""

    title = Text()
    details = Text(max_length=DETAILS_MAX, allow_blank=True, required=False)
    patient = PatientField(required=False)
    assignee = Reference(staff, required=False)
    role = one_of(Membership.Role.values, required=False)
    due_at = Moment(allow_null=True, required=False)
    priority = one_of(Task.Priority.values, required=False)


class AssignBody(Body):
    """Whom it is given to; null gives it back to its role."""

    assignee = Reference(staff, allow_null=True)
