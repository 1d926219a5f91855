"""Why a rule that matched must not run all the same: broken, too deep, too often, once was enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from automations.compiled import CompiledRule
from automations.engine.values import Reason, Reentry
from automations.models import Event, Run

MAX_DEPTH = 8
"""How long a chain of rules that cause each other may become."""
MAX_RUNS_A_DAY = 20
"""Runs of one rule for one patient within 24 hours."""

Pair = tuple[int, int]


def refusals(matches: Sequence[tuple[Event, CompiledRule]], moment: datetime) -> dict[int, Reason]:
    """Return, by position, why a match is suppressed; the others run.

    The patients are locked, so that what is counted cannot grow meanwhile. Within the batch earlier matches count too.
    """
    counts = _runs_today(matches, moment)
    last = _last_runs([(event, rule) for event, rule in matches if rule.spec.settings.reentry.mode != "every_time"])
    found = {}
    for position, (event, rule) in enumerate(matches):
        pair = (event.patient_id, rule.id)
        reentry = rule.spec.settings.reentry
        reason = (
            _broken(rule)
            or _deep(event)
            or _often(counts.get(pair, 0))
            or again(reentry, event.occurred_at, last.get(pair))
        )
        if reason is not None:
            found[position] = reason
            continue
        counts[pair] = counts.get(pair, 0) + 1
        last[pair] = max(event.occurred_at, last.get(pair, event.occurred_at))
    return found


HOUR = timedelta(hours=1)


def over_the_cap(matches: Sequence[tuple[Event, CompiledRule]], moment: datetime) -> dict[int, Reason]:
    """Return, by position, which matches are more than their rule may answer in an hour; the rule is to be paused.

    Two workers may each let a batch pass. Held runs count, so that a rule that goes on too early is paused again.
    """
    caps = {rule.id: rule.spec.settings.hourly_cap for _, rule in matches if rule.spec.settings.hourly_cap is not None}
    if not caps:
        return {}
    recent = Run.objects.filter(rule_id__in=caps, outcome=Run.Outcome.MATCHED, created_at__gt=moment - HOUR).order_by()
    counts = dict(recent.values_list("rule_id").annotate(count=Count("pk")))
    found = {}
    for position, (_, rule) in enumerate(matches):
        cap = caps.get(rule.id)
        if cap is None:
            continue
        counts[rule.id] = counts.get(rule.id, 0) + 1
        if counts[rule.id] > cap:
            found[position] = Reason("paused", f"The rule ran {cap} times within an hour, which is its limit.")
    return found


def _broken(rule: CompiledRule) -> Reason | None:
    return Reason("rule_broken", rule.broken) if rule.broken else None


def _deep(event: Event) -> Reason | None:
    if event.depth < MAX_DEPTH:
        return None
    return Reason("depth", f"Rules caused each other {event.depth} times in a row; the limit is {MAX_DEPTH}.")


def _often(count: int) -> Reason | None:
    if count < MAX_RUNS_A_DAY:
        return None
    return Reason("depth", f"The rule ran {count} times for this patient within a day; the limit is {MAX_RUNS_A_DAY}.")


def again(reentry: Reentry, occurred_at: datetime, last: datetime | None) -> Reason | None:
    """Say why a rule must not run again for a patient, given when the event of its last run occurred."""
    if last is None or reentry.mode == "every_time":
        return None
    if reentry.mode == "once_per_patient":
        return Reason("reentry", f"The rule runs once for a patient, and did on {last:%Y-%m-%d}.")
    if occurred_at - last < timedelta(days=reentry.days or 0):
        return Reason(
            "reentry", f"The rule runs once in {reentry.days} days for a patient, and did on {last:%Y-%m-%d}."
        )
    return None


def _pairs(matches: Iterable[tuple[Event, CompiledRule]]) -> Q:
    patients = {event.patient_id for event, _ in matches}
    rules = {rule.id for _, rule in matches}
    return Q(patient_id__in=patients, rule_id__in=rules, outcome=Run.Outcome.MATCHED)


def _runs_today(matches: Sequence[tuple[Event, CompiledRule]], moment: datetime) -> dict[Pair, int]:
    if not matches:
        return {}
    rows = Run.objects.filter(_pairs(matches), created_at__gt=moment - timedelta(days=1)).order_by()
    counted = rows.values("patient_id", "rule_id").annotate(count=Count("pk"))
    return {(row["patient_id"], row["rule_id"]): row["count"] for row in counted}


def _last_runs(matches: Sequence[tuple[Event, CompiledRule]]) -> dict[Pair, datetime]:
    if not matches:
        return {}
    rows = Run.objects.filter(_pairs(matches)).order_by().values("patient_id", "rule_id")
    dated: Mapping[Pair, datetime] = {
        (row["patient_id"], row["rule_id"]): row["last"] for row in rows.annotate(last=Max("event__occurred_at"))
    }
    return dict(dated)
