"""Make a smallest valid row of any model, for tests that walk them all."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, date, datetime, time
from itertools import count
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Clinic
from clinic.db import ClinicModel

MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EXTRA: dict[str, dict[str, Any]] = {"accounts.Pause": {"scope": "clinic"}, "staff.Job": {"kind": "backtest"}}
"""What a model's own checks ask for beyond its types."""


class Rows:
    """One row a model and clinic, made when first asked for; written past save(), so that nothing is announced."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int], Any] = {}
        self._numbers = count(1)

    def of(self, model: type[models.Model], clinic: Clinic) -> Any:
        """Return the clinic's row of this model."""
        key = (model._meta.label, clinic.pk)
        if key not in self._made:
            row = model(**self._values(model, clinic))
            row.save_base(raw=True, force_insert=True)
            self._made[key] = row
        return self._made[key]

    def _values(self, model: type[models.Model], clinic: Clinic) -> dict[str, Any]:
        values = dict(EXTRA.get(model._meta.label, {}))
        for field in model._meta.concrete_fields:
            optional = field.null or field.has_default() or field.has_db_default()
            made_there = field.generated or field.primary_key
            if field.name not in values and not (optional or made_there):
                values[field.name] = self._value(field, clinic)
        return values

    def _value(self, field: Any, clinic: Clinic) -> Any:
        if field.is_relation:
            return clinic if field.related_model is Clinic else self.of(field.related_model, clinic)
        if field.choices:
            return field.choices[0][0]
        if isinstance(field, models.CharField | models.TextField):
            text = f"x{next(self._numbers)}"
            return text if not isinstance(field, models.EmailField) else f"{text}@x.example"
        simple: dict[type, Any] = {
            models.DateTimeField: MOMENT,
            models.DateField: date(2026, 11, 24),
            models.TimeField: time(12),
            models.JSONField: {},
            ArrayField: [],
            models.FloatField: 1.0,
            models.BooleanField: False,
            models.BinaryField: b"x",
            models.IntegerField: next(self._numbers),
        }
        return next(value for kind, value in simple.items() if isinstance(field, kind))


def clinic_models() -> list[type[models.Model]]:
    """List every model whose rows belong to a clinic."""
    from django.apps import apps

    return [model for model in apps.get_models() if issubclass(model, ClinicModel)]


ID = 700_000_002
DOT = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
"""A picture of one point, where a row keeps a picture."""
EVERYBODY = {"match": "all", "items": []}
TASK = {"type": "create_task", "title": "Call", "assign_to": "front_desk"}
RULE = {"trigger_event": "patient.onboarded", "conditions": EVERYBODY, "actions": [TASK]}
WHOLE: dict[str, dict[str, Any]] = {
    "automations.Rule": {"draft": RULE},
    "segments.Segment": {"kind": "dynamic", "conditions": EVERYBODY},
}
"""Rows that a page reads as a rule or as conditions."""


class AtHome(Rows):
    """One row of every kind, all with one id, so that every page about one record finds it."""

    def _value(self, field: Any, clinic: Any) -> Any:
        if field.name == "language":
            return "en"
        return DOT if isinstance(field, models.BinaryField) else super()._value(field, clinic)

    def _values(self, model: Any, clinic: Any) -> dict[str, Any]:
        whole = WHOLE.get(model._meta.label, {})
        return {**super()._values(model, clinic), **whole, model._meta.pk.attname: ID}
