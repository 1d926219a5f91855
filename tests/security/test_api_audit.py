"""Whoever looks at a patient's record is in the audit trail: every endpoint that shows one writes who looked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import AuditEntry
from patients.models import Patient
from tests.cast import append_only_tables
from tests.rows import Rows, clinic_models
from tests.security.api_routes import model_of, routes

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]
ROUTES = [route for route in routes() if route.method == "GET"]
NEEDED = {"/api/v1/automations/explain/": "rule={rule}&patient={patient}"}
"""Parameters without which an address answers nothing."""


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every member of an answer, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from members(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner)


def patients_shown(body: Any, ids: set[str]) -> set[str]:
    """Return whose records an answer shows: named as `patient`, or the patient of the address."""
    return {value for name, value in members(body) if name == "patient" and value in ids}


@pytest.fixture
def rows(clinic):
    made = Rows()
    return {model: made.of(model, clinic) for model in clinic_models()}


def test_each_endpoint_that_shows_a_patients_record_says_who_looked(api, clinic, rows):
    silent, showing = [], 0
    ids = {str(pk) for pk in Patient.objects.values_list("pk", flat=True)}
    for route in ROUTES:
        model = model_of(route, ROUTES) if route.parameters else None
        path = route.filled(**dict.fromkeys(route.parameters, str(rows[model].pk) if model else ""))
        if route.path in NEEDED:
            names = {"rule": rows_of(rows, "Rule"), "patient": rows_of(rows, "Patient")}
            path += "?" + NEEDED[route.path].format(**names)
        newest = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        answer = api.get(path)
        if answer.status_code != 200:
            continue
        shown = patients_shown(answer.json(), ids)
        if model is Patient:
            shown.add(str(rows[Patient].pk))
        if not shown or route.path.endswith("/audit/"):
            continue
        showing += 1
        entries = AuditEntry.objects.filter(pk__gt=newest, clinic_id=clinic.pk, actor_kind="token")
        told = {str(one.patient_id) for one in entries if one.patient_id}
        told |= {str(pk) for one in entries for pk in one.detail.get("patients", ())}
        if not shown <= told:
            silent.append((route.path, sorted(shown - told), [one.action for one in entries]))
    assert silent == []
    assert showing >= 20


def rows_of(rows: dict[Any, Any], name: str) -> str:
    return next(str(row.pk) for model, row in rows.items() if model.__name__ == name)


def test_the_trail_can_be_read_by_admins_only_and_names_no_patients_words(api, rows, patient):
    api.get(f"patients/{patient.pk}/")
    answer = api.get(f"audit/?patient={patient.pk}")
    [entry, *_rest] = answer.json()["results"]
    assert (entry["action"], entry["patient"], entry["actor"]["type"]) == ("patient.read", str(patient.pk), "token")
    assert "Maria" not in answer.content.decode()
    api.get("patients/?external_id=A-17")
    newest = api.get(f"audit/?patient={patient.pk}&limit=1").json()["results"][0]
    assert (newest["action"], newest["detail"]) == ("patient.listed", {"patients": [patient.pk]})


@pytest.mark.parametrize("statement", ["UPDATE {} SET action = 'x'", "DELETE FROM {}"])
def test_the_database_keeps_what_is_in_the_trail(api, patient, statement):
    api.get("patients/")
    table = AuditEntry._meta.db_table
    assert table in append_only_tables()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
    assert AuditEntry.objects.filter(action="patient.listed").exists()
