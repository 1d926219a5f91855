"""Compile a condition tree over patient facts to SQL, with the same three-valued answers as the evaluator.

Dates become the bounds of `engine.bounds`, texts are compared in their stored folded columns, so that neither reader
has to imitate the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, CharField, DateField, DateTimeField, F, FloatField, Func, TextField, Value

from automations.context import ReadContext
from automations.engine.bounds import Interval, date_bounds
from automations.engine.declare import Fact, FactType, catalog
from automations.engine.text import fold
from automations.engine.values import Condition, Group
from automations.sql_json import reading


class Bool(Func):
    """A boolean SQL expression that may be NULL (unknown); Django's Q would turn unknown into false."""

    output_field = BooleanField(null=True)

    def __init__(self, template: str, *expressions: Any, arg_joiner: str = ", ") -> None:
        super().__init__(*expressions, template=f"({template})", arg_joiner=arg_joiner)


def every(parts: list[Any]) -> Any:
    """Join with AND."""
    return Bool("%(expressions)s", *parts, arg_joiner=" AND ")


def some(parts: list[Any]) -> Any:
    """Join with OR."""
    return Bool("%(expressions)s", *parts, arg_joiner=" OR ")


def negate(part: Any) -> Any:
    """Negate; unknown stays unknown."""
    return Bool("NOT %(expressions)s", part)


TRUE, FALSE = Value(True, output_field=BooleanField()), Value(False, output_field=BooleanField())


@dataclass(frozen=True, slots=True)
class Asking:
    """The moment and the zone that a compiled tree asks for, and where its patients come from."""

    ctx: ReadContext
    now: datetime
    zone: ZoneInfo


def compile_group(group: Group, now: datetime, zone: ZoneInfo) -> Any:
    """Return an expression over Patient that is true, false or NULL exactly as `evaluate` would say.

    The root without items is true. Raises KeyError for a fact that has no SQL expression: facts of a subject belong
    to an event, not to a patient.
    """
    if not group.items:
        return TRUE
    return _group(group, Asking(ReadContext.for_patients(now), now, zone))


def _group(group: Group, asking: Asking) -> Any:
    parts = [_group(i, asking) if isinstance(i, Group) else compile_condition(i, asking) for i in group.items]
    if group.match == "all":
        return every(parts)
    return some(parts) if group.match == "any" else negate(some(parts))


def compile_condition(condition: Condition, asking: Asking) -> Any:
    """Return one condition as SQL."""
    fact = catalog.facts[condition.field]
    if fact.expression is None:
        raise KeyError(f"{condition.field} belongs to an event; it cannot be asked of a patient.")
    expression = fact.expression(asking.ctx, **condition.params)
    if condition.op in ("is_empty", "is_not_empty"):
        empty = _empty(condition.type, expression)
        return empty if condition.op == "is_empty" else negate(empty)
    if condition.type == "text":
        expression = _folded(fact, condition, expression, asking.ctx)
    elif fact.type is FactType.any:
        return _of_any(condition, expression, asking)
    if condition.type == "date":
        return _date(condition, expression, asking)
    return COMPILERS[condition.type, condition.op](expression, condition.value)


def _folded(fact: Fact, condition: Condition, expression: Any, ctx: ReadContext) -> Any:
    """Return what a text is compared by; a fact of type any must keep it, for SQL cannot fold as Python does."""
    if fact.type is FactType.any and fact.folded is None:
        raise KeyError(f"{condition.field} keeps no folded text: its texts cannot be compared in SQL.")
    return fact.folded(ctx, **condition.params) if callable(fact.folded) else fact.folded or expression


def _of_any(condition: Condition, expression: Any, asking: Asking) -> Any:
    """Read the JSON as the type that the operator decided; a date is a day or a moment."""
    if condition.type != "date":
        return COMPILERS[condition.type, condition.op](reading(expression, condition.type), condition.value)
    either = [_date(condition, reading(expression, kind), asking) for kind in ("day", "moment")]
    return Bool("coalesce(%(expressions)s)", *either)


def _empty(kind: str, expression: Any) -> Any:
    if kind == "any":
        return Bool("coalesce(%(expressions)s, 'null') IN ('null', '\"\"', '[]', '{}')", expression)
    if kind == "list":
        return Bool("coalesce(cardinality(%(expressions)s), 0) = 0", expression)
    if kind in ("text", "choice", "reference"):
        return Bool("coalesce(%(expressions)s, '') = ''", expression)
    return Bool("%(expressions)s IS NULL", expression)


def _date(condition: Condition, expression: Any, asking: Asking) -> Any:
    bounds = date_bounds(condition.op, condition.value, asking.now, asking.zone)
    plain = is_plain_date(expression, asking.ctx)
    return within(expression, bounds.dates if plain else bounds.instants, DateField() if plain else DateTimeField())


def is_plain_date(expression: Any, ctx: ReadContext) -> bool:
    """Tell whether an expression is a calendar date; a bare column is asked of the patient's model."""
    if isinstance(expression, F):
        column: Any = expression
        field: Any = apps.get_model("patients", "Patient")
        for name in column.name.split("__"):
            model = field if hasattr(field, "_meta") else field.related_model
            field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    else:
        field = expression.output_field
    return isinstance(field, DateField) and not isinstance(field, DateTimeField)


def within(expression: Any, interval: Interval[Any], output: Any) -> Any:
    """Return the interval's bounds as SQL; an empty interval is false for every known value."""
    parts = []
    if interval.low is not None:
        sign = ">=" if interval.low_closed else ">"
        parts.append(
            Bool("%(expressions)s", expression, Value(interval.low, output_field=output), arg_joiner=f" {sign} ")
        )
    if interval.high is not None:
        sign = "<=" if interval.high_closed else "<"
        parts.append(
            Bool("%(expressions)s", expression, Value(interval.high, output_field=output), arg_joiner=f" {sign} ")
        )
    return every(parts)


def _compare(sign: str) -> Callable[[Any, Any], Any]:
    def build(expression: Any, value: Any) -> Any:
        return Bool("%(expressions)s", expression, Value(value, output_field=FloatField()), arg_joiner=f" {sign} ")

    return build


def _between(expression: Any, value: Any) -> Any:
    return every([_compare(">=")(expression, value[0]), _compare("<=")(expression, value[1])])


def _text(sign: str) -> Callable[[Any, Any], Any]:
    def build(expression: Any, value: Any) -> Any:
        return Bool("%(expressions)s", expression, Value(fold(value), output_field=CharField()), arg_joiner=f" {sign} ")

    return build


def _contains(expression: Any, value: Any) -> Any:
    return Bool("strpos(%(expressions)s) > 0", expression, Value(fold(value), output_field=TextField()))


def _starts_with(expression: Any, value: Any) -> Any:
    return Bool("starts_with(%(expressions)s)", expression, Value(fold(value), output_field=TextField()))


def _array(values: Any) -> Any:
    return Func(
        Value([str(v) for v in values], output_field=ArrayField(TextField())), template="%(expressions)s::text[]"
    )


def _any_of(expression: Any, value: Any) -> Any:
    return Bool("%(expressions)s)", expression, _array(value), arg_joiner="::text = ANY(")


def _list(sign: str) -> Callable[[Any, Any], Any]:
    def build(expression: Any, value: Any) -> Any:
        return Bool("%(expressions)s", expression, _array(value), arg_joiner=f"::text[] {sign} ")

    return build


COMPILERS: dict[tuple[str, str], Callable[[Any, Any], Any]] = {
    ("number", "eq"): _compare("="),
    ("number", "ne"): _compare("<>"),
    ("number", "lt"): _compare("<"),
    ("number", "lte"): _compare("<="),
    ("number", "gt"): _compare(">"),
    ("number", "gte"): _compare(">="),
    ("number", "between"): _between,
    ("text", "is"): _text("="),
    ("text", "is_not"): _text("<>"),
    ("text", "contains"): _contains,
    ("text", "starts_with"): _starts_with,
    ("text", "is_any_of"): lambda e, v: _any_of(e, [fold(one) for one in v]),
    ("choice", "is_any_of"): _any_of,
    ("choice", "is_none_of"): lambda e, v: negate(_any_of(e, v)),
    ("reference", "is_any_of"): _any_of,
    ("reference", "is_none_of"): lambda e, v: negate(_any_of(e, v)),
    ("boolean", "is"): lambda e, v: Bool("%(expressions)s", e, TRUE if v else FALSE, arg_joiner=" = "),
    ("list", "has_any_of"): _list("&&"),
    ("list", "has_all_of"): _list("@>"),
    ("list", "has_none_of"): lambda e, v: negate(_list("&&")(e, v)),
}
