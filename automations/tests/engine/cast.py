"""A small catalog of a made-up clinic."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings

from automations.engine.declare import Action, Anchor, Catalog, Fact, FactType, Param, Reference, Subject, Trigger
from automations.engine.values import EventFacts

PROOF = os.environ.get("PROOF") == "1"
NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
WINDOW = Param("window", "window", "Looking back")


def proved(sample: int = 80, proof: int = 3_000) -> Callable[[Any], Any]:
    """Mark a property as proof: a sample with a fixed seed, or the whole count with PROOF=1."""
    chosen = settings(
        max_examples=proof if PROOF else sample,
        derandomize=not PROOF,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: pytest.mark.proof(chosen(test))


class Completed(Trigger):
    """Fires when an appointment is completed."""

    key = "appointment.completed"
    label = "appointment completed"
    subject = "appointment"
    stop_on = ("appointment.cancelled", "appointment.completed", "appointment.reopened")


class Cancelled(Trigger):
    """Fires when an appointment is cancelled."""

    key = "appointment.cancelled"
    label = "appointment cancelled"
    subject = "appointment"


class Reopened(Trigger):
    """Fires when an appointment is corrected back."""

    key = "appointment.reopened"
    label = "appointment reopened"
    subject = "appointment"


class Released(Trigger):
    """Fires when the visit summary is released."""

    key = "appointment.summary_released"
    label = "visit summary released"
    subject = "appointment"


class Signed(Trigger):
    """Fires when a patient signs a form."""

    key = "form.signed"
    label = "form signed"
    subject = "form"
    params = (Param("form", "reference", "Form", reference="form", fact="form.template"),)
    stop_on = ("form.voided",)
    example: ClassVar[dict[str, Any]] = {"form": "consent"}


class Voided(Trigger):
    """Stops only."""

    key = "form.voided"
    label = "form voided"
    subject = "form"
    stop_only = True


class Dropped(Trigger):
    """Fires when adherence drops below the rule's own threshold."""

    key = "treatment.adherence_dropped"
    label = "adherence dropped"
    subject = "treatment"
    params = (Param("below_percent", "number", "Below", required=True, minimum=0, maximum=100),)
    example: ClassVar[dict[str, Any]] = {"below_percent": 50}

    def accepts(self, config: Any, facts: Any) -> bool:
        value = facts.get("treatment.adherence")
        if value == "boom":
            raise RuntimeError("no such week")
        return isinstance(value, int) and value < config["below_percent"]


class RequireForm(Action):
    """Asks for a form."""

    key = "require_form"
    label = "Require form"
    params = (
        Param("form", "reference", "Form", required=True, reference="form"),
        Param("due_in_days", "integer", "Due in (days)", minimum=0, maximum=365),
        Param("notify", "boolean", "Tell the patient", default=True),
    )
    example: ClassVar[dict[str, Any]] = {"form": "satisfaction-survey"}

    def is_patient_message(self, params: Any) -> bool:
        return bool(params["notify"])


class SendEmail(Action):
    """Sends an email."""

    key = "send_email"
    label = "Send email"
    message = True
    params = (
        Param("template", "reference", "Template", required=True, reference="template"),
        Param("to", "choice", "To", choices=("patient", "specialist", "clinic_admins"), default="patient"),
    )
    example: ClassVar[dict[str, Any]] = {"template": "clinical-summary"}

    def is_patient_message(self, params: Any) -> bool:
        return bool(params["to"] == "patient")

    def role(self, params: Any) -> str:
        return str(params["to"])


class CreateTask(Action):
    """Makes a task."""

    key = "create_task"
    label = "Create task"
    params = (
        Param("title", "text", "Title", required=True),
        Param(
            "assign_to",
            "reference",
            "For",
            required=True,
            reference="user",
            choices=(("specialist", "the specialist"), ("front_desk", "the front desk")),
        ),
    )
    example: ClassVar[dict[str, Any]] = {"title": "Call the patient", "assign_to": "front_desk"}

    def role(self, params: Any) -> str:
        return str(params["assign_to"])

    def problems(self, params: Any) -> list[tuple[str, str]]:
        return [("title", "Do not shout.")] if params["title"].isupper() else []


def line(field: str, op: str, value: Any, **params: Any) -> dict[str, Any]:
    """Write a condition."""
    return {"field": field, "op": op, "value": value, **params}


FACTS = (
    Fact("patient.age", "Patient age", FactType.number, "Years.", line("patient.age", "gte", 65)),
    Fact("patient.city", "Patient city", FactType.text, "Town.", line("patient.city", "is", "Cluj")),
    Fact(
        "patient.sex",
        "Patient sex",
        FactType.choice,
        "As recorded.",
        line("patient.sex", "is_any_of", ["female"]),
        choices=(("female", "female"), ("male", "male"), ("other", "other")),
    ),
    Fact("patient.answer", "Answer", FactType.any, "Of a form.", line("patient.answer", "gte", 7)),
    Fact("patient.tags", "Patient tags", FactType.list, "Labels.", line("patient.tags", "has_any_of", ["vip"])),
    Fact(
        "patient.active_plan", "Has a plan", FactType.boolean, "A plan runs.", line("patient.active_plan", "is", True)
    ),
    Fact(
        "patient.last_appointment_at",
        "Last appointment",
        FactType.date,
        "Its start.",
        line("patient.last_appointment_at", "in_last", {"amount": 3, "unit": "months"}),
    ),
    Fact(
        "patient.appointment_count",
        "Number of appointments",
        FactType.number,
        "Counted.",
        line("patient.appointment_count", "eq", 0, window={"amount": 3, "unit": "months"}),
        params=(WINDOW, Param("services", "reference", "Services", reference="service", many=True)),
    ),
    Fact(
        "appointment.service",
        "Service",
        FactType.reference,
        "Its kind.",
        line("appointment.service", "is_any_of", ["initial-evaluation"]),
        subject="appointment",
        reference="service",
    ),
    Fact(
        "appointment.specialist",
        "Specialist",
        FactType.reference,
        "Who sees them.",
        line("appointment.specialist", "changed", None),
        subject="appointment",
        reference="user",
        change=True,
    ),
    Fact(
        "appointment.starts_at",
        "Start",
        FactType.date,
        "When.",
        line("appointment.starts_at", "after", "2026-01-01"),
        subject="appointment",
        change=True,
    ),
    Fact(
        "form.template",
        "Form",
        FactType.reference,
        "Which.",
        line("form.template", "is_any_of", ["consent"]),
        subject="form",
        reference="form",
    ),
)


def make_catalog() -> Catalog:
    """Declare the whole cast in a catalog of its own."""
    catalog = Catalog()
    for one in (
        *(kind() for kind in (Completed, Cancelled, Reopened, Released, Signed, Voided, Dropped)),
        *(kind() for kind in (RequireForm, SendEmail, CreateTask)),
        *FACTS,
        Subject("appointment", "Appointment", "appointments.Appointment"),
        Subject("form", "Form", "forms_app.FormRequest"),
        Anchor("appointment.starts_at", "the appointment", "appointment", "starts_at"),
        Anchor("form.due_at", "the form's due date", "form", "due_at"),
        Reference("service", "Service", "appointments.Service", {"archived_at": None}),
        Reference("form", "Form", "forms_app.FormTemplate"),
        Reference("template", "Template", "messaging.MessageTemplate"),
        Reference("user", "Staff", "accounts.Membership"),
    ):
        catalog.add(one)
    return catalog


CATALOG = make_catalog()


def event(trigger: str = "appointment.completed", at: datetime = NOON, **facts: Any) -> EventFacts:
    """Make an event; a fact is named with two underscores for its dot."""
    return EventFacts(trigger, at, NEW_YORK, {key.replace("__", "."): value for key, value in facts.items()})


def rule(**changes: Any) -> dict[str, Any]:
    """Write a small valid rule."""
    return {
        "trigger_event": "appointment.completed",
        "conditions": {"match": "all", "items": []},
        "actions": [{"type": "require_form", "form": "satisfaction-survey"}],
        **changes,
    }
