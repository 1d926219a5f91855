"""Asking never changes anything: the whole database before and after, the audit trail aside."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import InternalError, connection, transaction

from automations.asof import read_only
from automations.backtest import backtest
from automations.dryrun import dry_run
from automations.explain import explain
from automations.models import Rule
from automations.tests.builders import move, published, visit
from automations.ticking import drain_all

pytestmark = pytest.mark.django_db
AUDIT = "accounts_auditentry"


def everything() -> dict[str, list[str]]:
    """Return every row of every table but the audit trail, as text, and where every sequence stands."""
    tables = sorted({m._meta.db_table for m in apps.get_models(include_auto_created=True)} - {AUDIT})
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            found[table] = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "SELECT sequencename, last_value::text FROM pg_sequences WHERE sequencename NOT LIKE %s", [f"{AUDIT}%"]
        )
        found["sequences"] = sorted(f"{name} {value}" for name, value in cursor.fetchall())
    return found


@pytest.fixture
def rule(clinic, patient):
    asked = {"field": "patient.appointment_count", "op": "gte", "value": 0, "window": {"amount": 3, "unit": "months"}}
    made = published(
        clinic,
        "appointment.completed",
        {"type": "whisper", "title": "x"},
        conditions={"match": "all", "items": [asked]},
    )
    move(visit(patient), status="completed")
    drain_all()
    visit(patient)
    return Rule.objects.get(pk=made.pk)


ASKED = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 99}]}


@pytest.mark.parametrize(
    "ask",
    [
        explain,
        lambda rule, patient: explain(rule, patient, conditions=ASKED),
        dry_run,
        lambda rule, patient: backtest(rule),
    ],
    ids=["explain", "what if", "dry run", "back-test"],
)
def test_the_database_is_the_same_before_and_after(rule, patient, ask):
    before = everything()
    ask(rule, patient)
    assert everything() == before


def test_a_write_while_asking_is_refused_by_the_database_itself(rule):
    with pytest.raises(InternalError, match="read-only"), transaction.atomic(), read_only():
        Rule.objects.update(name="changed")
    Rule.objects.update(name="changed afterwards")
    assert Rule.objects.get().name == "changed afterwards"
