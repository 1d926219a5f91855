"""Which clinics, rules and patients are stopped right now."""

from __future__ import annotations

from collections.abc import Collection

from django.apps import apps


def paused(clinics: Collection[int]) -> set[tuple[str, int]]:
    """Return (scope, id) of every pause that stands at these clinics: ("clinic", 3), ("rule", 17), ("patient", 5)."""
    rows = apps.get_model("accounts", "Pause").objects.filter(clinic_id__in=clinics, ended_at__isnull=True)
    found = set()
    for scope, clinic_id, target_id in rows.values_list("scope", "clinic_id", "target_id"):
        found.add((scope, clinic_id if target_id is None else target_id))
    return found
