"""The action `create_task`."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Action, Param, register
from automations.engine.values import StepContext
from patients.staffing import NOTES, ROLES, Recipients, recipients_for
from worklist.models import Task

WORDS = (
    ("specialist", _("the specialist")),
    ("front_desk", _("the front desk")),
    ("clinic_admins", _("the clinic admins")),
)
TITLE_MAX = 200
PLACEHOLDER = re.compile(r"\{\{|\{%")


@register
class CreateTask(Action):
    """Give the staff something to do: one person, or one task that anyone of a role can claim."""

    key = "create_task"
    label = _("Create a task")
    phrase = _("create the task “%(title)s” for %(assign_to)s")
    extras = {"due_in_days": _("due in %(due_in_days)s day(s)")}
    params = (
        Param("title", "text", _("what to do"), required=True, max_length=TITLE_MAX),
        Param("details", "long_text", _("details"), max_length=2000),
        Param("assign_to", "reference", _("for"), required=True, reference="user", choices=WORDS),
        Param("due_in_days", "integer", _("due in days"), minimum=0, maximum=365, help=_("0 is the same day.")),
        Param("priority", "choice", _("priority"), default="normal", choices=Task.Priority.choices),
    )
    example = {"title": "Call the patient", "assign_to": "front_desk", "due_in_days": 1}

    def role(self, params: Mapping[str, Any]) -> str:
        """Name who it is for, as the rule does."""
        return str(params["assign_to"])

    def problems(self, params: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Refuse placeholders: a task's words are shown as they stand, beside a link to the patient."""
        return [
            (name, gettext("Placeholders such as {{ patient.name }} are not filled in here; write plain words."))
            for name in ("title", "details")
            if PLACEHOLDER.search(params.get(name) or "")
        ]

    def perform(self, steps: Sequence[StepContext]) -> dict[Any, dict[str, Any]]:
        """Write one task a step."""
        people = recipients_for(steps)
        tasks = Task.objects.bulk_create([_task(step, people[step.id]) for step in steps])
        return {task.source_step_id: _result(task, people[task.source_step_id]) for task in tasks}


def _task(step: StepContext, people: Recipients) -> Task:
    details = step.params.get("details") or ""
    if people.note:
        details = f"{details}\n\n{NOTES[people.note]}".strip()
    one = people.members[0] if step.role not in ("front_desk", "clinic_admins") and not people.note else None
    return Task(
        clinic_id=step.clinic_id,
        patient_id=step.patient_id,
        title=step.params["title"],
        details=details,
        assignee=one,
        role="" if one else ROLES.get(step.role if not people.note else "clinic_admins", ""),
        due_at=_due(step),
        priority=step.params.get("priority") or Task.Priority.NORMAL,
        about_type=step.subject_type,
        about_id=step.subject_id,
        source_step_id=step.id,
    )


def _due(step: StepContext) -> datetime | None:
    """Return the end of the clinic's day that lies `due_in_days` after today."""
    days = step.params.get("due_in_days")
    if days is None:
        return None
    zone = ZoneInfo(step.zone)
    return datetime.combine(step.now.astimezone(zone).date() + timedelta(days=days), time(23, 59), zone)


def _result(task: Task, people: Recipients) -> dict[str, Any]:
    result: dict[str, Any] = {"task": str(task.pk), "role": task.role or None}
    if task.assignee is not None:
        result["assignee"] = task.assignee.slug
    if people.note:
        result["note"] = people.note
    return result
