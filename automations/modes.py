"""Change a rule's mode so that every worker notices: by the clinic's rules epoch."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.apps import apps
from django.db.models import F

from automations.models import Rule

QUARANTINE_AFTER = 10
"""Rule errors in a row after which a rule is taken out of service."""


def raise_epoch(clinic_id: int) -> None:
    """Make every compiled copy of the clinic's rules stale; call it in the transaction that changes a rule."""
    clinics = apps.get_model("accounts", "Clinic").objects
    clinics.filter(pk=clinic_id).update(rules_epoch=F("rules_epoch") + 1)


def quarantine(rule_id: int, reason: str) -> None:
    """Take a rule out of service until a person publishes it again; its pending steps wait."""
    taken = Rule.objects.filter(pk=rule_id, mode__in=Rule.MATCHING).update(
        mode=Rule.Mode.QUARANTINED, mode_reason=reason[:500]
    )
    if taken:
        raise_epoch(Rule.objects.values_list("clinic_id", flat=True).get(pk=rule_id))


def count_rule_errors(blamed: Mapping[int, int], calm: Collection[int]) -> None:
    """Raise or reset the rules' error streaks, in rule-id order, and quarantine those that reach ten in a row."""
    healed = sorted(set(calm) - set(blamed))
    if healed:
        Rule.objects.filter(pk__in=healed).update(error_streak=0)
    for pk in sorted(blamed):
        Rule.objects.filter(pk=pk).update(error_streak=F("error_streak") + blamed[pk])
        streak = Rule.objects.values_list("error_streak", flat=True).get(pk=pk)
        if streak >= QUARANTINE_AFTER:
            quarantine(pk, f"{streak} rule errors in a row; its last runs and steps say which.")
