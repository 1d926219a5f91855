"""Write a RuleSpec as the JSON that the API shows, admin stores and files carry: every default stands in it."""

from __future__ import annotations

import copy
from typing import Any

from .conditions import GROUP
from .operators import OPERATORS
from .timing_schema import timing_to_json
from .values import ActionSpec, Condition, Group, RuleSettings, RuleSpec


def spec_to_json(spec: RuleSpec) -> dict[str, Any]:
    """Give the rule on the wire; schema.parse_rule of it is the same spec."""
    return {
        "trigger_event": spec.trigger,
        "trigger_config": copy.deepcopy(dict(spec.trigger_config)),
        "conditions": group_to_json(spec.conditions),
        "actions": [action_to_json(action) for action in spec.actions],
        "settings": settings_to_json(spec.settings),
    }


def group_to_json(group: Group) -> dict[str, Any]:
    """Give a condition tree on the wire."""
    items = [
        {"field": GROUP, **group_to_json(item)} if isinstance(item, Group) else condition_to_json(item)
        for item in group.items
    ]
    return {"match": group.match, "items": items}


def condition_to_json(condition: Condition) -> dict[str, Any]:
    """Give one line on the wire; an operator that takes no value has no "value"."""
    line: dict[str, Any] = {"field": condition.field, "op": condition.op}
    if OPERATORS[condition.type, condition.op].takes != "nothing":
        line["value"] = copy.deepcopy(condition.value)
    return {**line, **copy.deepcopy(dict(condition.params))}


def action_to_json(action: ActionSpec) -> dict[str, Any]:
    """Give one action on the wire, its parameters beside its own keys."""
    return {
        "id": action.id,
        "type": action.type,
        **copy.deepcopy(dict(action.params)),
        "timing": timing_to_json(action.timing),
        "only_if": None if action.only_if is None else group_to_json(action.only_if),
        "note": action.note,
        "disabled": action.disabled,
    }


def settings_to_json(settings: RuleSettings) -> dict[str, Any]:
    """Give the settings on the wire; reentry has "days" only where they count."""
    reentry: dict[str, Any] = {"mode": settings.reentry.mode}
    if settings.reentry.days is not None:
        reentry["days"] = settings.reentry.days
    return {
        "reentry": reentry,
        "stop_on": list(settings.stop_on),
        "recheck": settings.recheck,
        "hourly_cap": settings.hourly_cap,
    }
