"""Rules, visits and a plain action for the engine's own tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.apps import apps
from django.db import connections

from accounts.models import Clinic
from automations import lifecycle
from automations.engine.declare import Action, Param, catalog
from automations.engine.values import EffectError, Refusal, StepContext
from automations.models import Rule, Step
from clinic import clock

Task = apps.get_model("worklist", "Task")
Appointment = apps.get_model("appointments", "Appointment")
Service = apps.get_model("appointments", "Service")


class Jot(Action):
    """Write a task with a title; the tests' own action, so that the engine's tests need no other app's."""

    key = "jot"
    label = "Jot"
    params = (
        Param("title", "text", "Title", required=True, max_length=200),
        Param("fail", "choice", "Fail", choices=("temporary", "permanent", "rule", "bug"), default=None),
        Param("refuse", "boolean", "Refuse", default=False),
    )
    example: ClassVar[Mapping[str, Any]] = {"title": "Call the patient"}
    withdrawn: list[int] = []

    def perform(self, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        """Write one task a step, or fail as told."""
        for step in steps:
            self._fail(step.params.get("fail"))
        rows = [
            Task(clinic_id=s.clinic_id, patient_id=s.patient_id, title=s.params["title"], source_step_id=s.id)
            for s in steps
        ]
        Task.objects.bulk_create(rows)
        return {row.source_step_id: {"task": row.pk} for row in rows}

    @staticmethod
    def _fail(how: str | None) -> None:
        if how == "bug":
            raise ZeroDivisionError("Maria Marin")
        if how is not None:
            raise EffectError(f"told to fail: {how}", permanent=how != "temporary", rule_error=how == "rule")

    def guard(self, steps: Sequence[StepContext]) -> Mapping[Any, Refusal]:
        """Refuse the steps that were told to be refused."""
        return {s.id: Refusal("no_consent", "She said no.") for s in steps if s.params.get("refuse")}

    def withdraw(self, step_ids: Collection[Any]) -> None:
        """Remember what was taken back."""
        Jot.withdrawn.extend(step_ids)


class Whisper(Jot):
    """The same as a message to the patient."""

    key = "whisper"
    label = "Whisper"
    message = True

    def is_patient_message(self, params: Mapping[str, Any]) -> bool:
        """It is one."""
        return True


for _action in (Jot, Whisper):
    if _action.key not in catalog.actions:
        catalog.add(_action())


def document(
    trigger: str = "appointment.completed",
    *actions: Mapping[str, Any],
    conditions: Any = None,
    settings: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a rule on the wire; without actions it jots one task at once."""
    return {
        "trigger_event": trigger,
        "trigger_config": dict(config or {}),
        "conditions": conditions or {"match": "all", "items": []},
        "actions": [dict(a) for a in actions] or [{"type": "jot", "title": "Call"}],
        "settings": dict(settings or {}),
    }


def published(
    clinic: Clinic, trigger: str = "appointment.completed", *actions: Any, name: str = "Rule", **kw: Any
) -> Rule:
    """Create a rule and publish it."""
    rule = lifecycle.create_rule(clinic=clinic, name=name, document=document(trigger, *actions, **kw))
    return lifecycle.publish(rule)


def service(clinic: Clinic, slug: str = "initial-evaluation") -> Any:
    """Return the clinic's service of that slug, made if it is not there."""
    return Service.objects.get_or_create(clinic=clinic, slug=slug, defaults={"name": slug.replace("-", " ").title()})[0]


def visit(patient: Any, *, starts_at: datetime | None = None, slug: str = "initial-evaluation", **fields: Any) -> Any:
    """Book a visit of the patient; tomorrow at this time unless told otherwise."""
    return Appointment.objects.create(
        clinic=patient.clinic,
        patient=patient,
        service=service(patient.clinic, slug),
        starts_at=starts_at or clock.now() + timedelta(days=1),
        **fields,
    )


def move(appointment: Any, **fields: Any) -> Any:
    """Change a visit as any caller would: read it, set, save."""
    fresh = Appointment.objects.get(pk=appointment.pk)
    for name, value in fields.items():
        setattr(fresh, name, value)
    fresh.save()
    return fresh


def states(rule: Rule) -> list[tuple[str, str, str]]:
    """Return (action id, state, reason) of the rule's steps in the order in which they were planned."""
    return list(Step.objects.filter(rule=rule).order_by("pk").values_list("action_id", "state", "reason"))


def titles() -> list[str]:
    """Return the titles of all tasks, oldest first."""
    return list(Task.objects.order_by("pk").values_list("title", flat=True))


class Busy:
    """Hold a patient's lock from another connection while inside, as somebody's open transaction does."""

    def __init__(self, patient: Any) -> None:
        self.patient = patient

    def __enter__(self) -> None:
        self.other = connections.create_connection("default")
        self.other.set_autocommit(False)
        with self.other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM patients_patient WHERE id = %s FOR NO KEY UPDATE", [self.patient.pk])

    def __exit__(self, *error: object) -> None:
        self.other.rollback()
        self.other.close()
