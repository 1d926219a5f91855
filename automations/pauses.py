"""Which clinics, rules and patients are stopped right now."""

from __future__ import annotations

from collections.abc import Collection

from django.apps import apps
from django.db.models import OuterRef, Q, QuerySet


def standing_pauses() -> QuerySet:
    """Return, inside a query over steps, the pauses that hold the step of the row around."""
    scope = (
        Q(scope="clinic")
        | Q(scope="rule", target_id=OuterRef("rule_id"))
        | Q(scope="patient", target_id=OuterRef("patient_id"))
    )
    pauses = apps.get_model("accounts", "Pause").objects
    return pauses.filter(scope, clinic_id=OuterRef("clinic_id"), ended_at__isnull=True)


def paused(clinics: Collection[int]) -> set[tuple[str, int]]:
    """Return (scope, id) of every pause that stands at these clinics: ("clinic", 3), ("rule", 17), ("patient", 5)."""
    rows = apps.get_model("accounts", "Pause").objects.filter(clinic_id__in=clinics, ended_at__isnull=True)
    found = set()
    for scope, clinic_id, target_id in rows.values_list("scope", "clinic_id", "target_id"):
        found.add((scope, clinic_id if target_id is None else target_id))
    return found
