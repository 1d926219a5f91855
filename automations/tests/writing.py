"""Every way of writing a watched model's rows, and what the tests of capture know of the models."""

from __future__ import annotations

from itertools import product
from typing import Any

from django.apps import apps
from django.db.models import UniqueConstraint

from automations.tests.transitions import TRANSITIONS, Records, Transition
from clinic.db import WatchedModel

MODELS = {m._meta.label: m for m in apps.get_models() if issubclass(m, WatchedModel)}
CREATIONS = [(label, one) for label, known in TRANSITIONS.items() for one in known if one.before is None]
MOVES = [(label, one) for label, known in TRANSITIONS.items() for one in known if one.before is not None]


def by_save(row: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def by_save_of_some_fields(row: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))


def by_bulk_update(row: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    type(row).objects.bulk_update([row], [row._meta.get_field(name).name for name in values])


def by_update(row: Any, values: dict[str, Any]) -> None:
    type(row).objects.filter(pk=row.pk).update(**values)


CHANGES = [by_save, by_save_of_some_fields, by_bulk_update, by_update]


def create_by_save(rows: list[Any]) -> None:
    for row in rows:
        row.save()


def create_by_bulk_create(rows: list[Any]) -> None:
    type(rows[0]).objects.bulk_create(rows)


def new_rows(records: Records, model: Any, transition: Transition, count: int) -> list[Any]:
    rows = [records.new(model, **transition.after) for _ in range(count)]
    for row, parent in product(rows, _parents_of_one(model)):
        setattr(row, parent.name, records.stored(parent.related_model))
    return rows


def _parents_of_one(model: Any) -> list[Any]:
    """Return the relations of which the database takes one row each (one summary a visit)."""
    unique = {name for one in model._meta.constraints if isinstance(one, UniqueConstraint) for name in one.fields}
    found = [field for field in model._meta.concrete_fields if field.is_relation and field.name != "clinic"]
    return [field for field in found if field.unique or (field.name in unique and not field.null)]
