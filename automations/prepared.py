"""Questions about facts whose SQL is written once: what a rule asks is the same for every batch, only of other rows.

To write the SQL of some twenty facts takes Django longer than PostgreSQL takes to answer it for a handful of rows. The
rows and the moment are parameters, so one text serves every batch of every clinic that asks the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.db.models.sql import Query

from automations.context import ReadContext
from automations.engine.declare import Fact, catalog
from automations.engine.values import fact_key

Ask = tuple[str, Mapping[str, Any]]
"""A fact's key and its parameters."""
MAX_KEPT = 500
"""Questions kept in one process, some kilobytes each; with more, all are written anew as they are asked."""


class _Moment(datetime):
    """The place of the moment among the parameters: told from every other by its identity."""


MOMENT = _Moment(2000, 1, 1, tzinfo=UTC)
ROWS: list[int] = [0]
"""The place of the rows' keys among the parameters."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The SQL of one question, with its parameters, and how Django brings each column to a value."""

    facts: tuple[Fact, ...]
    query: Query
    sql: str
    params: tuple[Any, ...]
    converters: dict[int, Any]

    def ask(self, keys: Sequence[int], moment: datetime | None) -> list[Sequence[Any]]:
        """Return for each row its key and the value of each fact, as the ORM would."""
        given = {id(ROWS): list(keys), id(MOMENT): moment}
        with connection.cursor() as cursor:
            cursor.execute(self.sql, [given.get(id(one), one) for one in self.params])
            rows = cursor.fetchall()
        if not self.converters:
            return rows
        return list(self.query.get_compiler(connection=connection).apply_converters(rows, self.converters))


_kept: dict[tuple[str, tuple[tuple[str, int], ...]], Prepared] = {}


def expressions_of(ctx: ReadContext, asks: Sequence[Ask]) -> dict[str, Any]:
    """Return the expression of each fact that is asked, in their order, by the name of its column."""
    asked = ((catalog.facts[name].expression, params) for name, params in asks)
    return {f"fact_{number}": write(ctx, **params) for number, (write, params) in enumerate(asked)}  # type: ignore[misc]


def of_events(asks: Sequence[Ask]) -> Prepared:
    """Prepare a question about the patients of events, each as of its own moment."""
    return _prepared("automations.Event", asks)


def of_patients(asks: Sequence[Ask]) -> Prepared:
    """Prepare a question about patients as of one moment."""
    return _prepared("patients.Patient", asks)


def _prepared(model: str, asks: Sequence[Ask]) -> Prepared:
    # The declaration is in the key: it is kept with the question, so its identity is nobody else's.
    key = (model, tuple((fact_key(name, params), id(catalog.facts[name])) for name, params in asks))
    if (known := _kept.get(key)) is not None:
        return known
    if len(_kept) >= MAX_KEPT:
        _kept.clear()
    return _kept.setdefault(key, _prepare(model, asks))


def _prepare(model: str, asks: Sequence[Ask]) -> Prepared:
    base = apps.get_model(model)
    ctx = ReadContext.for_events() if model == "automations.Event" else ReadContext.for_patients(MOMENT)
    facts = tuple(catalog.facts[name] for name, _ in asks)
    expressions = expressions_of(ctx, asks)
    of_these = RawSQL(f'"{base._meta.db_table}"."id" = ANY(%s)', [ROWS], output_field=BooleanField())  # noqa: S611 - its own table
    manager = base._default_manager
    query = manager.filter(of_these).order_by().annotate(**expressions).values_list("pk", *expressions).query
    compiler = query.get_compiler(connection=connection)
    sql, params = compiler.as_sql()
    converters = compiler.get_converters([expression for expression, *_ in compiler.select])
    return Prepared(facts, query, sql, tuple(params), converters)
