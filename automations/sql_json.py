"""Read a JSON expression as one type, in SQL: NULL (unknown) where its value is of another, and never an error.

For facts of type any. The forms are those of engine.usable, so that both readers take the same values.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, DateField, DateTimeField, Field, FloatField, Func, TextField

from automations.engine.usable import BOUND, DATE_FORM, MOMENT_FORM

# Strict: a lax path would look into an array.
TEXT = """(jsonb_path_query_first(%(expressions)s, 'strict $ ? ({filter})') #>> '{{}}')"""
VALID = """(SELECT CASE WHEN pg_input_is_valid(one.given, '{type}') THEN one.given::{type} END
FROM (SELECT {text}) AS one(given))"""
MEMBERS = """(SELECT CASE WHEN one.given IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(one.given)) END
FROM (SELECT jsonb_path_query_first(%(expressions)s,
'strict $ ? (@.type() == "array" && !exists(@[*] ? (@.type() != "string")))')) AS one(given))"""


def _text(condition: str) -> str:
    return TEXT.format(filter=condition)


def _valid(form: str, kind: str) -> str:
    return VALID.format(type=kind, text=_text(f'@ like_regex "^{form}$"'))


READINGS: dict[str, tuple[str, Field[Any, Any]]] = {
    "number": (_text(f'@.type() == "number" && @ > -{BOUND} && @ < {BOUND}') + "::float8", FloatField()),
    "boolean": (_text('@.type() == "boolean"') + "::boolean", BooleanField()),
    "choice": (_text('@.type() == "string"'), TextField()),
    "list": (MEMBERS, ArrayField(TextField())),
    "day": (_valid(DATE_FORM, "date"), DateField()),
    "moment": (_valid(MOMENT_FORM, "timestamptz"), DateTimeField()),
}


def reading(expression: Any, kind: str) -> Any:
    """Return the JSON expression as number, boolean, choice, list, day or moment."""
    template, output = READINGS[kind]
    return Func(expression, template=template, output_field=output)
