"""Another clinic's rows: one of every kind, all with one id and one slug, and words that would be known anywhere."""

from __future__ import annotations

import json
from typing import Any

from django.db import models

from tests.rows import Rows, clinic_models

SECRET = "zsouthsecretz"
ID = 700_000_001
SLUG = "south-only"
TOLD = {"name", "title", "given_name", "family_name", "text", "body", "subject", "details", "address", "instructions"}


class Foreign(Rows):
    """Rows of two clinics; the words of one of them would be known anywhere."""

    def __init__(self, secretive: Any) -> None:
        super().__init__()
        self.secretive = secretive

    def _value(self, field: Any, clinic: Any) -> Any:
        if (
            clinic == self.secretive
            and isinstance(field, models.CharField | models.TextField)
            and field.name in TOLD
            and not field.choices
        ):
            return SECRET if not isinstance(field, models.EmailField) else f"{SECRET}@x.example"
        if clinic == self.secretive and field.name == "slug":
            return SLUG
        return super()._value(field, clinic)

    def _values(self, model: Any, clinic: Any) -> dict[str, Any]:
        values = super()._values(model, clinic)
        return {**values, model._meta.pk.attname: ID} if clinic == self.secretive else values


def snapshot(clinic: Any) -> str:
    """Return all that is stored of a clinic."""
    kept = {
        model._meta.label: list(model._base_manager.filter(clinic_id=clinic.pk).order_by("pk").values())
        for model in clinic_models()
    }
    return json.dumps(kept, default=str, sort_keys=True)
