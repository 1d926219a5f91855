"""The clinics that walks begin in, each with three patients, forms, templates, segments and rules of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction

from accounts.models import Clinic, Membership, User
from appointments import services as visits
from appointments.models import Service
from automations import compiled, lifecycle
from clinic import clock
from clinic.testing import rounds
from forms_app import services as forms
from forms_app.models import FormTemplate
from messaging.templates import Body, save_template
from patients import services as patients
from patients.models import Contact, Patient
from segments import services as segments
from segments.models import Segment

CHILD = date(2020, 1, 1)
"""The third patient's date of birth: two parents get what is sent to it, each a message of their own."""
QUESTIONS = [{"id": "pain", "type": "scale", "text": "How strong is your pain?", "required": True}]
SETTINGS = ({}, {"reentry": {"mode": "once_per_days", "days": 3}}, {"reentry": {"mode": "once_per_patient"}})
WEEKS = {"mode": "delay", "amount": 2, "unit": "weeks"}
SOON = {"mode": "delay", "amount": 6, "unit": "hours"}
REMINDER = {
    "mode": "relative",
    "amount": 24,
    "unit": "hours",
    "direction": "before",
    "anchor": "appointment.starts_at",
    "if_late": "send_now",
}
NOTHING_BOOKED = {"match": "all", "items": [{"field": "patient.next_appointment_at", "op": "is_empty"}]}
TAGGED = {"match": "all", "items": [{"field": "patient.tags", "op": "has_any_of", "value": ["vip"]}]}


def mail(template: str, timing: Any = None, **more: Any) -> dict[str, Any]:
    """Return the action that mails a template to the patient."""
    return {"type": "send_email", "template": template, "to": "patient"} | ({"timing": timing} if timing else {}) | more


RULES: dict[str, tuple[str, dict[str, Any], list[dict[str, Any]]]] = {
    "welcome": ("patient.onboarded", {}, [{"type": "require_form", "form": "privacy"}, mail("news", SOON)]),
    "booked": (
        "appointment.booked",
        {},
        [mail("visit"), mail("visit", REMINDER), {"type": "require_form", "form": "privacy"}],
    ),
    "confirmed": ("appointment.confirmed", {}, [{"type": "require_form", "form": "pain"}, mail("guide", SOON)]),
    "completed": (
        "appointment.completed",
        {},
        [
            {"type": "require_form", "form": "survey", "timing": SOON},
            mail("guide", WEEKS, only_if=NOTHING_BOOKED),
            mail("guide", {"mode": "wait_for", "trigger": "appointment.summary_released",
                           "within": {"amount": 3, "unit": "days"}, "otherwise": "task"}),
        ],
    ),
    "cancelled": ("appointment.cancelled", {}, [mail("visit"), mail("news")]),
    "signed": ("form.signed", {"form": "privacy"}, [{"type": "grant_access", "feature": "telerehab", "days": 30}]),
    "submitted": ("form.signed", {}, [mail("survey", SOON), {"type": "add_to_segment", "segment": "by-hand"}]),
    "withdrawn": ("form.withdrawn", {}, [{"type": "revoke_access", "feature": "telerehab"}]),
    "entered": ("segment.entered", {"segment": "by-hand"}, [mail("news", SOON), mail("guide", SOON)]),
    "consents": ("segment.entered", {"segment": "by-hand"}, [{"type": "require_form", "form": "privacy"}]),
    "exited": ("segment.exited", {"segment": "tagged"}, [mail("survey", SOON)]),
    "tagged": ("segment.entered", {"segment": "tagged"}, [mail("news"), {"type": "add_tag", "tag": "seen"}]),
    "assigned": ("treatment.assigned", {}, [mail("guide")]),
    "session": ("treatment.session_logged", {}, [mail("survey", SOON)]),
    "dropped": ("treatment.adherence_dropped", {"below_percent": 50}, [mail("guide")]),
    "half-a-year": (
        "schedule.date",
        {"field": "patient.last_appointment_at", "offset": {"amount": 5, "unit": "days"}, "at": "09:00"},
        [mail("news"), {"type": "remove_from_segment", "segment": "by-hand"}],
    ),
}  # fmt: skip
ABREAST = rounds(3, 14)
"""So many clinics lie side by side in one database: the choices of fifty steps in each fit into one example, which
hypothesis ends after eight thousand."""
CAPS = {"cap_survey_day": 1, "cap_marketing_day": 1, "cap_marketing_week": 2, "cap_total_week": 12}
QUIET = {"quiet_start": time(21), "quiet_end": time(8)}
TEMPLATES = {"visit": "transactional", "guide": "clinical", "survey": "survey", "news": "marketing"}


@dataclass
class Ground:
    """What a walk has to step on."""

    clinic: Clinic
    service: Service
    specialist: Membership
    people: list[Patient]
    forms: dict[str, FormTemplate]
    by_hand: Segment
    tagged: Segment


def document(slug: str, how: Any = None) -> dict[str, Any]:
    """Return one of the rules on the wire."""
    trigger, config, actions = RULES[slug]
    return {
        "trigger_event": trigger,
        "trigger_config": config,
        "conditions": {"match": "all", "items": []},
        "actions": actions,
        "settings": how or {},
    }


def open_clinics() -> None:
    """Open the clinics, publish every rule, register three patients in each, and keep it all to begin from again."""
    with transaction.atomic():
        for number in range(ABREAST):
            _open(number)
    with connection.cursor() as cursor:
        for table in _tables():
            cursor.execute(f"CREATE UNLOGGED TABLE walk_{table} AS TABLE {table}")


def _open(number: int) -> None:
    clinic = Clinic.objects.create(slug=f"walk-{number:02}", name="Walk", time_zone="Europe/Bucharest")
    user = User.objects.create(username=f"dr@{number}.walk.example", email=f"dr@{number}.walk.example")
    specialist = Membership.objects.create(clinic=clinic, user=user, role="specialist", slug="dr", name="Dr.")
    for slug, kind in {"privacy": "consent", "pain": "questionnaire", "survey": "survey"}.items():
        _form(clinic, slug, kind)
    for slug, category in TEMPLATES.items():
        texts = [Body("en", slug.title(), "Hello, {{ patient.given_name }}.")]
        save_template(clinic=clinic, slug=slug, name=slug.title(), category=category, bodies=texts)
    segments.create(clinic=clinic, name="By hand", slug="by-hand", kind="manual")
    segments.create(clinic=clinic, name="Tagged", slug="tagged", conditions=TAGGED)
    for slug in RULES:
        lifecycle.publish(lifecycle.create_rule(clinic=clinic, name=slug, slug=slug, document=document(slug)))
    service = Service.objects.create(clinic=clinic, slug="evaluation", name="Evaluation", minutes=30)
    for n in range(3):
        email = f"p{n}@{number}.walk.example"
        one = patients.register(
            clinic=clinic, given_name=f"P{n}", email=email, specialist=specialist, birth_date=CHILD if n == 2 else None
        )
        for parent in ("elena", "ion") if n == 2 else ():
            Contact.objects.create(clinic=clinic, patient=one, name=parent, relation="parent", gets_messages=True,
                                   email=f"{parent}@{number}.walk.example")  # fmt: skip
        starts = clock.now() + timedelta(days=n, hours=3)
        visits.book(clinic=clinic, patient=one, service=service, starts_at=starts, specialist=specialist)


def close_clinics() -> None:
    """Drop what was kept."""
    with connection.cursor() as cursor:
        for table in _tables():
            cursor.execute(f"DROP TABLE IF EXISTS walk_{table}")


def begin(caps: Sequence[bool], quiet: Sequence[bool]) -> list[Ground]:
    """Begin anew from the open clinics, each with or without caps and quiet hours."""
    parts = "".join(
        f"DELETE FROM {name}; INSERT INTO {name} ({columns}) SELECT {columns} FROM walk_{name};"
        for name, columns in _columns().items()
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL session_replication_role = replica; UPDATE clinic_clock SET ahead = '0'; {parts}")
    compiled.forget()
    clinics = Clinic.objects.order_by("slug")
    return [_ground(clinic, CAPS if caps[at] else {}, QUIET if quiet[at] else {}) for at, clinic in enumerate(clinics)]


def _ground(clinic: Clinic, caps: dict[str, Any], quiet: dict[str, Any]) -> Ground:
    for name, value in {**caps, **quiet}.items():
        setattr(clinic, name, value)
    clinic.save()
    return Ground(
        clinic,
        Service.objects.get(clinic=clinic),
        Membership.objects.get(clinic=clinic),
        list(Patient.objects.filter(clinic=clinic).order_by("pk")),
        {one.slug: one for one in FormTemplate.objects.filter(clinic=clinic)},
        Segment.objects.get(clinic=clinic, slug="by-hand"),
        Segment.objects.get(clinic=clinic, slug="tagged"),
    )


def _form(clinic: Clinic, slug: str, kind: str) -> FormTemplate:
    template = forms.create_template(clinic=clinic, slug=slug, name=slug.title(), kind=kind)
    content: dict[str, Any] = {"text": "I agree."} if kind == "consent" else {"questions": QUESTIONS}
    forms.publish_template_version(template, **content)
    return template


@cache
def _tables() -> tuple[str, ...]:
    """List the tables of the product's own models."""
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    ours = {model._meta.db_table for model in apps.get_models() if model._meta.app_label in apps_of_the_house()}
    return tuple(sorted(ours & there))


@cache
def _columns() -> dict[str, str]:
    """List the columns of each table that are written; a generated one writes itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND is_generated = 'NEVER' AND table_name = ANY(%s) GROUP BY 1",
            [list(_tables())],
        )
        return dict(cursor.fetchall())


def apps_of_the_house() -> set[str]:
    """Name the apps whose records a walk changes."""
    return {config.label for config in apps.get_app_configs() if config.path.startswith(str(settings.BASE_DIR))} - {
        "clinic"
    }
