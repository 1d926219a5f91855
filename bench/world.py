"""The records that both sides work on: a clinic, its patients, their visits and its rules."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.apps import apps
from django.db import connection

from accounts.models import Clinic
from appointments.models import Appointment, Service
from automations import compiled, modes
from automations.engine.declare import catalog
from automations.engine.schema import parse_rule, spec_to_json
from automations.models import Rule, RuleVersion
from clinic.bulk import copy_in
from clinic.clock import now
from patients.models import Patient

PATIENTS = 2_000
Condition = dict[str, Any]


def empty() -> None:
    """Empty every table of the product, and the caches of compiled rules."""
    tables = [m._meta.db_table for m in apps.get_models() if m._meta.app_label not in ("contenttypes", "auth", "axes")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only_table'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only_table")
        cursor.execute(f"TRUNCATE {', '.join(sorted(set(tables) - {'django_migrations'}))} RESTART IDENTITY CASCADE")
        cursor.execute("VACUUM ANALYZE")
    compiled.forget()


def analyze() -> None:
    """Do what autovacuum does of itself within minutes."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def clinic(services: int) -> tuple[Clinic, list[Service], list[Patient]]:
    """Make a clinic with its services and 2,000 patients."""
    made = Clinic.objects.create(slug="bench", name="Bench", time_zone="Europe/Bucharest")
    kinds = [Service(clinic=made, slug=f"s{n}", name=f"Service {n}") for n in range(services)]
    for kind in kinds:
        kind.save()
    people = [
        Patient(clinic=made, given_name=f"P{n}", birth_date=date(1930 + n % 70, 1 + n % 12, 1 + n % 28))
        for n in range(PATIENTS)
    ]
    copy_in(Patient, people)
    return made, kinds, people


def visits(made: Clinic, kinds: list[Service], people: list[Patient], count: int) -> list[Appointment]:
    """Make booked visits, silently: each patient's spread over the days around today."""
    start = now() - timedelta(days=10)
    rows = [
        Appointment(
            clinic=made,
            patient=people[n % len(people)],
            service=kinds[n % len(kinds)],
            starts_at=start + timedelta(hours=n % 480),
        )
        for n in range(count)
    ]
    copy_in(Appointment, rows)
    return rows


ACTION = {"type": "create_task", "title": "Call the patient", "assign_to": "front_desk", "due_in_days": 1}


def rule(number: int, conditions: list[Condition]) -> dict[str, Any]:
    """Return a rule on completed visits that creates one task."""
    return {
        "trigger_event": "appointment.completed",
        "conditions": {"match": "all", "items": conditions},
        "actions": [ACTION],
    }


def service_is(number: int) -> Condition:
    """Return the condition that the visit is for service `number`."""
    return {"field": "appointment.service", "op": "is_any_of", "value": [f"s{number}"]}


def publish(made: Clinic, documents: list[dict[str, Any]]) -> None:
    """Store published rules in bulk."""
    moment = now()
    rules = [
        Rule(clinic=made, slug=f"r{n}", name=f"Rule {n}", mode="on", active_since=moment) for n in range(len(documents))
    ]
    Rule.objects.bulk_create(rules)
    versions = []
    for one, document in zip(rules, documents, strict=True):
        wire = spec_to_json(parse_rule(document, catalog))
        parts = {part: wire[part] for part in ("trigger_config", "conditions", "actions", "settings")}
        versions.append(RuleVersion(clinic=made, rule=one, number=1, trigger=wire["trigger_event"], **parts))
    RuleVersion.objects.bulk_create(versions)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE automations_rule r SET published_id = v.id FROM automations_ruleversion v WHERE v.rule_id = r.id"
        )
    modes.raise_epoch(made.pk)
