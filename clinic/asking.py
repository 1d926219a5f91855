"""Questions that are always the same, asked many times: their SQL is put together once in a process.

For Django that is most of the work of a small query. Such a question must not depend on anything but the rows: no
moment, no setting that changes while the process runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import QuerySet

Question = Callable[[], "QuerySet[Any, Any]"]


class Fixed:
    """The rows of a query that is always the same, as the database gives them: plain columns only."""

    def __init__(self, question: Question) -> None:
        self._question = question

    @cached_property
    def _statement(self) -> tuple[str, tuple[Any, ...]]:
        return self._question().query.sql_with_params()

    def rows(self) -> list[tuple[Any, ...]]:
        """Ask."""
        return _rows(*self._statement)


class Earliest:
    """The earliest moment in one column of some queries; None where there is no row. Call it to ask."""

    def __init__(self, *questions: Question) -> None:
        self._questions = questions

    @cached_property
    def statement(self) -> tuple[str, tuple[Any, ...]]:
        """Return an SQL expression for the moment, and its parameters."""
        parts: list[str] = []
        values: list[Any] = []
        for question in self._questions:
            sql, params = question().order_by().query.sql_with_params()
            parts.append(f"(SELECT min(at) FROM ({sql}) AS asked(at))")  # noqa: S608 - written by Django
            values.extend(params)
        return f"LEAST({', '.join(parts)})", tuple(values)

    def __call__(self) -> datetime | None:
        """Ask."""
        return all_of([self])[0]


def all_of(asked: Sequence[Earliest]) -> tuple[datetime | None, ...]:
    """Ask several in one query; return their moments in the same order."""
    if not asked:
        return ()
    statements = [one.statement for one in asked]
    sql = "SELECT " + ", ".join(sql for sql, _ in statements)
    (moments,) = _rows(sql, tuple(value for _, params in statements for value in params))
    return moments


def _rows(sql: str, params: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
