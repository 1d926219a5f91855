"""A fact of type any for proofs: JSON of every type, which one decided by the patient's number."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Case, F, Func, IntegerField, JSONField, TextField, Value, When
from django.db.models.functions import Cast, Lower, Mod, Substr
from django.db.models.lookups import Exact

from automations.engine.text import fold

COLUMNS = ("city", "tags", "birth_date", "registered_at")
JSON = (
    "7",
    "0.5",
    "-1",
    "1e400",
    "true",
    "false",
    "null",
    '""',
    "[]",
    "{}",
    "[1]",
    '["vip", 1]',
    '["vip", "naïve"]',
    "[[3]]",
    '{"a": "vip"}',
    '"7"',
    '"2026-02-30"',
    '"2026-W01-1"',
    '"2026-11-24T10:00"',
    '"2026-11-24T24:00:00Z"',
    '"2026-11-24T10:00:00.5-05:00"',
    '"Straße"',
)
"""Answers as outside sends them: numbers, yes or no, texts that are nearly dates, lists of other things, nothing."""


def answer(ctx: Any) -> Any:
    """Return a column as JSON, or one of the literals; NULL for the rest."""
    values = [*(_as_json(ctx, name) for name in COLUMNS), *(Cast(Value(one), JSONField()) for one in JSON)]
    chosen = [When(_kind(ctx, number), then=value) for number, value in enumerate(values)]
    return Case(*chosen, output_field=JSONField())


def folded_answer(ctx: Any) -> Any:
    """Return the folded text of the answers that are texts."""
    texts = {0: F(ctx.path("city_folded"))}
    for number, name in ((2, "birth_date"), (3, "registered_at")):
        texts[number] = Lower(Func(F(ctx.path(name)), template="(to_jsonb(%(expressions)s) #>> '{}')"))
    for number, one in enumerate(JSON, len(COLUMNS)):
        if one.startswith('"'):
            texts[number] = Value(fold(json.loads(one)))
    return Case(*(When(_kind(ctx, number), then=text) for number, text in texts.items()), output_field=TextField())


def _as_json(ctx: Any, name: str) -> Any:
    return Func(F(ctx.path(name)), function="to_jsonb", output_field=JSONField())


def _kind(ctx: Any, number: int) -> Any:
    """Tell whether a patient (P0, P1, ...) has the answer of this number."""
    own = Cast(Substr(ctx.path("given_name"), 2), IntegerField())
    return Exact(Mod(own, Value(len(COLUMNS) + len(JSON) + 1)), Value(number))
