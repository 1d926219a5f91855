"""What if a rule asked for another number: how many patients would answer its conditions then. Nothing is stored.

Only what is asked of the patient counts: what a condition asks of the event itself ("the visit was cancelled") is left
out, and said to be. The counting is that of the segments, in SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts import audit
from accounts.permissions import require
from automations.engine.declare import catalog
from automations.engine.wire import group_to_json
from automations.models import Rule
from automations.supposing import wording_of
from clinic.errors import ClinicError
from segments import definition
from segments.selectors import preview

NUMBERS = ("gte", "gt", "lte", "lt", "eq")
SIGNS = {"gte": "≥", "gt": ">", "lte": "≤", "lt": "<", "eq": "="}
LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Field:
    """A number in the rule that can be changed: its place in the conditions, what it is compared with, its value."""

    name: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """How many of the clinic's patients answer the conditions with these numbers; `left_out`: not all were asked."""

    fields: tuple[Field, ...]
    count: int
    of: int
    left_out: bool


def what_if(rule: Rule, numbers: Mapping[str, str]) -> WhatIf:
    """Count with other numbers (by a field's `name`), starting from what is published, else from the draft.

    Raises ClinicError, its `path` the field, for what is no number; RuleInvalid for a draft that is no rule.
    """
    require(rule.clinic)
    tree = deepcopy(group_to_json(wording_of(rule, "published" if rule.published_id else "draft").conditions))
    fields = []
    for name, item in _numeric(tree):
        if name in numbers:
            item["value"] = _number(name, numbers[name])
        label = f"{catalog.facts[item['field']].label} {SIGNS[item['op']]}"
        fields.append(Field(name, label, f"{item['value']:g}"))
    kept, left_out = _of_patients(tree)
    found = preview(rule.clinic, kept, sample=0)
    audit.record("rule.asked_what_if", obj=rule)
    return WhatIf(tuple(fields), found.count, found.of, left_out)


def _numeric(tree: Mapping[str, Any], place: str = "n") -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk the conditions about the patient that compare with a plain number, with their places."""
    for number, item in enumerate(tree["items"]):
        here = f"{place}{number}"
        if item.get("field") == "group":
            yield from _numeric(item, f"{here}-")
        elif item["field"] in definition.offered() and item["op"] in NUMBERS and _is_number(item.get("value")):
            yield here, item


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(name: str, text: str) -> float | int:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = LIMIT + 1.0
    if not -LIMIT <= value <= LIMIT:
        raise ClinicError(_("Write a number."), code="not_a_number", path=name)
    return int(value) if value.is_integer() else value


def _of_patients(tree: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the tree without what a segment cannot ask, and whether anything was left out.

    In an "any of" group each part widens the answer, so leaving one out would count too few: the group goes as a whole.
    """
    kept, left_out = [], False
    for item in tree["items"]:
        if item.get("field") == "group":
            inner, missing = _of_patients(item)
            left_out = left_out or missing
            if inner["items"] and not (missing and item["match"] == "any"):
                kept.append({"field": "group", **inner})
        elif item["field"] in definition.offered():
            kept.append(item)
        else:
            left_out = True
    return {"match": tree["match"], "items": kept}, left_out
