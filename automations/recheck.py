"""Ask a rule's conditions again when a step runs: patient facts are read anew, event facts stay as they were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from automations.engine.conditions import combine
from automations.engine.declare import catalog
from automations.engine.operators import At, apply
from automations.engine.values import ConditionVerdict, EventFacts, Group, Verdict


def evaluate_again(group: Group, event: EventFacts, fresh: Mapping[str, Any], now: datetime) -> Verdict:
    """Evaluate with `fresh` patient facts as of `now` and the event's own facts as of `occurred_at`.

    "Starts within 3 days" asks about the moment of the event and keeps its answer; "no session for 30 days" asks about
    the patient and may have changed since.
    """
    if not group.items:
        return Verdict(group.match, True)
    return _again(group, event.facts, fresh, At(event.occurred_at, event.zone), At(now, event.zone))


def _again(group: Group, stays: Mapping[str, Any], fresh: Mapping[str, Any], then: At, now: At) -> Verdict:
    items: list[ConditionVerdict | Verdict] = []
    for item in group.items:
        if isinstance(item, Group):
            items.append(_again(item, stays, fresh, then, now))
        elif catalog.facts[item.field].subject == "patient":
            items.append(ConditionVerdict(item, *apply(item, fresh, now)))
        else:
            items.append(ConditionVerdict(item, *apply(item, stays, then)))
    return Verdict(group.match, combine(group.match, (item.result for item in items)), tuple(items))


def patient_asks(*groups: Group | None) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the patient facts that the groups ask for."""
    asks = {}
    for group in groups:
        for condition in group.conditions() if group else ():
            if catalog.facts[condition.field].subject == "patient":
                asks[condition.key] = (condition.field, condition.params)
    return list(asks.values())
