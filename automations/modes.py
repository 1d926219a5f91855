"""Change a rule's mode so that every worker notices: by the clinic's rules epoch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from django.apps import apps
from django.db import transaction
from django.db.models import F, Value

from accounts import audit
from automations.engine.values import Reason
from automations.models import Rule

HOLDS = {
    Rule.Mode.REVIEW: Reason("review", "This rule's steps wait for a person's approval."),
    Rule.Mode.PAUSED: Reason("paused", "The rule was paused when this was planned."),
}
"""Why the steps that a rule plans are held, by its mode."""
QUARANTINE_AFTER = 10
"""Rule errors in a row after which a rule is taken out of service."""


def raise_epoch(clinic_id: int) -> None:
    """Make every compiled copy of the clinic's rules stale; call it in the transaction that changes a rule."""
    clinics = apps.get_model("accounts", "Clinic").objects
    clinics.filter(pk=clinic_id).update(rules_epoch=F("rules_epoch") + 1)


@transaction.atomic
def quarantine(rule_id: int, reason: str) -> None:
    """Take a rule out of service until a person publishes it again; its pending steps wait."""
    taken = Rule.objects.filter(pk=rule_id, mode__in=Rule.MATCHING).update(
        mode=Rule.Mode.QUARANTINED, mode_reason=reason[:500]
    )
    if taken:
        raise_epoch(Rule.objects.values_list("clinic_id", flat=True).get(pk=rule_id))


@transaction.atomic
def pause_capped(rule_id: int, reason: str) -> None:
    """Pause a rule that ran as often as it may in an hour; a person resumes it, and says what becomes of the rest."""
    rows = Rule.objects.filter(pk=rule_id, mode__in=(Rule.Mode.ON, Rule.Mode.REVIEW))
    if rows.update(mode=Rule.Mode.PAUSED, mode_reason=reason[:500]):
        rule = Rule.objects.get(pk=rule_id)
        raise_epoch(rule.clinic_id)
        audit.record("rule.paused", obj=rule, detail={"why": "hourly_cap"})


def settle_after_commit(
    blamed: Mapping[int, int],
    calm: Collection[int] = (),
    unusable: Mapping[int, str] | None = None,
    capped: Mapping[int, str] | None = None,
) -> None:
    """Once the batch is committed, raise or reset the rules' error streaks, quarantine and pause what must be.

    Not before: a worker that holds patients must never wait for a rule, which whoever archives one holds while waiting
    for patients. A crash in between loses a count, and an unusable rule is found again.
    """
    if blamed or calm or unusable or capped:
        transaction.on_commit(partial(_settle, dict(blamed), set(calm), dict(unusable or {}), dict(capped or {})))


def _settle(
    blamed: Mapping[int, int], calm: Collection[int], unusable: Mapping[int, str], capped: Mapping[int, str]
) -> None:
    for pk, reason in sorted(capped.items()):
        pause_capped(pk, reason)
    for pk, reason in sorted(unusable.items()):
        quarantine(pk, reason)
    for pk in sorted({*blamed, *calm}):
        streak = F("error_streak") + blamed[pk] if pk in blamed else Value(0)
        Rule.objects.filter(pk=pk).update(error_streak=streak)
        count = Rule.objects.values_list("error_streak", flat=True).get(pk=pk)
        if count >= QUARANTINE_AFTER:
            quarantine(pk, f"{count} rule errors in a row; its last runs and steps say which.")
