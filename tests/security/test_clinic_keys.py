"""The database itself refuses a row that points into another clinic."""

import psycopg.errors
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ForeignKey

from clinic.db import ClinicForeignKey, ClinicModel
from tests.rows import Rows, clinic_models

KEYS = [
    pytest.param(model, field, id=f"{model._meta.label}.{field.name}")
    for model in clinic_models()
    for field in model._meta.local_fields
    if isinstance(field, ClinicForeignKey)
]


def test_there_are_keys_to_walk():
    assert len(KEYS) > 40
    assert {model._meta.app_label for model in clinic_models()} >= {
        "accounts",
        "patients",
        "worklist",
        "messaging",
        "forms_app",
        "appointments",
        "automations",
    }


@pytest.mark.parametrize(("model", "field"), KEYS)
def test_a_row_cannot_point_into_another_clinic(model, field, clinic, other_clinic):
    rows = Rows()
    own, foreign = rows.of(model, clinic), rows.of(field.related_model, other_clinic)
    table, column = model._meta.db_table, field.column
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')  # also of tables that refuse every update

    with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'UPDATE "{table}" SET "{column}" = %s WHERE id = %s', [foreign.pk, own.pk])

    assert isinstance(refusal.value.__cause__, psycopg.errors.ForeignKeyViolation)
    assert f"{table}_{column}_same_clinic"[:63] in str(refusal.value)
    assert getattr(model._base_manager.get(pk=own.pk), field.attname) != foreign.pk


@pytest.mark.parametrize(("model", "field"), KEYS)
def test_the_same_key_takes_a_row_of_its_own_clinic(model, field, clinic):
    rows = Rows()
    own, target = rows.of(model, clinic), rows.of(field.related_model, clinic)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
        cursor.execute(f'UPDATE "{table}" SET "{field.column}" = %s WHERE id = %s', [target.pk, own.pk])

    assert getattr(model._base_manager.get(pk=own.pk), field.attname) == target.pk


def test_rows_of_a_clinic_point_to_each_other_by_clinic_keys_only():
    plain = [
        f"{model._meta.label}.{field.name}"
        for model in clinic_models()
        for field in model._meta.local_fields
        if isinstance(field, ForeignKey)
        and not isinstance(field, ClinicForeignKey)
        and issubclass(field.related_model, ClinicModel)
    ]

    assert plain == []
