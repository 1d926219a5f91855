"""Insert many rows with COPY: several times faster than one INSERT with thousands of parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from psycopg import sql

WORTH_IT = 8
"""From this many rows on, COPY and its two round trips beat INSERT."""


PLAIN = (models.CharField, models.TextField, models.IntegerField, models.BooleanField, models.DateTimeField)
"""Field types whose Python values go to the database as they are."""


def _writer(field: models.Field[Any, Any]) -> Callable[[Any], Any]:
    """Return how a field's value is read from a row for COPY."""
    own = type(field)
    untouched = own.pre_save is models.Field.pre_save or (
        own.pre_save is models.DateTimeField.pre_save and not (field.auto_now or field.auto_now_add)  # type: ignore[attr-defined]
    )
    base = field.target_field if isinstance(field, models.ForeignKey) else field
    if untouched and isinstance(base, PLAIN) and type(base).__module__.startswith("django."):
        return attrgetter(field.attname)
    return lambda row: field.get_db_prep_save(field.pre_save(row, True), connection)


@cache
def _writers(model: type[models.Model]) -> tuple[Callable[[Any], Any], ...]:
    return tuple(_writer(field) for field in _written(model))


def _written(model: type[models.Model]) -> list[Any]:
    """Return the columns that a row brings with it: all but those that the database works out."""
    return [field for field in model._meta.local_concrete_fields if not field.generated]


@cache
def _clocks(model: type[models.Model]) -> tuple[str, ...]:
    """Return the attributes that the database's clock fills."""
    return tuple(f.attname for f in _written(model) if f.has_db_default())


@cache
def _statements(model: type[models.Model]) -> tuple[str, sql.Composed, tuple[models.Field[Any, Any], ...]]:
    table = model._meta.db_table
    fields = tuple(_written(model))
    columns: sql.Composed = sql.SQL(", ").join(sql.Identifier(str(f.column)) for f in fields)
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)
    keys = "SELECT nextval(pg_get_serial_sequence(%s, 'id')), clinic_now() FROM generate_series(1, %s)"
    return keys, copy, fields


def copy_in(model: type[models.Model], rows: Sequence[Any]) -> None:
    """Insert unsaved instances whose key the database counts, setting their keys and `created_at`.

    Every constraint and trigger holds as for INSERT; the first row that breaks one refuses all.
    """
    keys, copy_sql, _ = _statements(model)
    writers, clocks = _writers(model), _clocks(model)
    with connection.cursor() as cursor:
        cursor.execute(keys, [model._meta.db_table, len(rows)])
        for row, (pk, moment) in zip(rows, cursor.fetchall(), strict=True):
            row._prepare_related_fields_for_save(operation_name="bulk_create")
            row.pk = pk
            for name in clocks:
                if isinstance(getattr(row, name), DatabaseDefault):
                    setattr(row, name, moment)
        # Django's cursor passes COPY through bare, and callers wait for its own IntegrityError.
        with connection.wrap_database_errors, cursor.copy(copy_sql) as copy:
            for row in rows:
                copy.write_row([write(row) for write in writers])
    for row in rows:
        row._state.adding = False
        row._state.db = connection.alias


def can_update(model: type[models.Model], rows: Sequence[Any], names: Sequence[str]) -> bool:
    """Tell whether `update_in` can write these fields: enough rows, plain columns, values and no expressions."""
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    plain = all(isinstance(f.target_field if isinstance(f, models.ForeignKey) else f, PLAIN) for f in fields)
    values = (getattr(row, f.attname) for row in rows for f in fields)
    return plain and len(rows) >= WORTH_IT and not any(hasattr(value, "resolve_expression") for value in values)


def _array_type(field: models.Field[Any, Any]) -> str:
    """Return the type of a field in an array; text for text, as a cast to varchar(n) would cut without a word."""
    if isinstance(field, models.CharField | models.TextField):
        return "text"
    return str(field.rel_db_type(connection) if field.primary_key else field.db_type(connection))


def update_in(model: type[models.Model], rows: Sequence[Any], names: Sequence[str]) -> int:
    """Write the named plain fields of many rows with one UPDATE from arrays; return how many rows were there."""
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    key: Any = model._meta.pk
    columns = [sql.Identifier(f.column) for f in (key, *fields)]
    arrays = [sql.SQL(f"%s::{_array_type(f)}[]") for f in (key, *fields)]
    statement = sql.SQL("UPDATE {} AS t SET {} FROM unnest({}) AS v ({}) WHERE t.{} = v.{}").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join(sql.SQL("{} = v.{}").format(column, column) for column in columns[1:]),
        sql.SQL(", ").join(arrays),
        sql.SQL(", ").join(columns),
        columns[0],
        columns[0],
    )
    values = [[f.get_db_prep_save(getattr(row, f.attname), connection) for row in rows] for f in (key, *fields)]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        count: int = cursor.rowcount
    return count


def can_copy(model: type[models.Model], rows: Sequence[Any], options: dict[str, Any]) -> bool:
    """Tell whether these rows may go by COPY: enough of them, new ones, no conflict handling, clock defaults only."""
    plain = all(not value for name, value in options.items() if name != "batch_size")
    return (
        plain
        and len(rows) >= WORTH_IT
        and all(row.pk is None for row in rows)
        and all(_is_clock(f) for f in _statements(model)[2])
    )


def _is_clock(field: models.Field[Any, Any]) -> bool:
    return not field.has_db_default() or isinstance(field, models.DateTimeField)
