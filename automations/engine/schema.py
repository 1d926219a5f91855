"""Judge a rule from outside: the one validator. It gives a RuleSpec with every default, or every problem with its
place.

A rule here is {"trigger_event", "trigger_config", "conditions", "actions", "settings"}; its name, slug and mode are
not the
engine's. `spec_to_json` writes it back.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from . import scalars
from .conditions import parse_group, references_of
from .declare import Action, Catalog, Fact, Trigger
from .params import parse_params, references_in
from .problems import Problem, Problems, RuleInvalid, child, shown
from .scalars import BAD
from .structure import check_structure
from .timing_schema import parse_timing
from .values import ActionSpec, Group, Reentry, ReferenceUse, RuleSettings, RuleSpec
from .wire import spec_to_json

__all__ = [
    "ACTION_KEYS",
    "RULE_KEYS",
    "Problem",
    "RuleInvalid",
    "default_stop_on",
    "parse_rule",
    "spec_to_json",
    "stop_keys",
]

RULE_KEYS = ("trigger_event", "trigger_config", "conditions", "actions", "settings")
ACTION_KEYS = ("id", "type", "timing", "only_if", "note", "disabled")
SETTING_KEYS = ("reentry", "stop_on", "recheck", "hourly_cap")
REENTRY_MODES = ("every_time", "once_per_patient", "once_per_days")
MAX_ACTIONS = 30
MAX_NOTE = 500
MAX_REENTRY_DAYS = 3_660
MAX_HOURLY_CAP = 100_000
ACTION_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)


def parse_rule(data: Any, catalog: Catalog, *, used_ids: Collection[str] = ()) -> RuleSpec:
    """Check a whole rule. `used_ids` are action ids of earlier versions, which a new action must not get again.

    Raises RuleInvalid with every problem (up to a hundred), whatever the data is; nothing else.
    """
    problems = Problems()
    check_structure(data, problems)
    raw = scalars.record(data, RULE_KEYS, "", problems)
    readable = raw is data
    trigger = _trigger(raw.get("trigger_event"), problems, catalog) if readable else None
    facts = catalog.facts_for(trigger.key) if trigger else catalog.facts
    key = trigger.key if trigger else ""
    config = _config(raw.get("trigger_config"), trigger, problems)
    conditions = Group() if "conditions" not in raw else parse_group(raw["conditions"], facts, "/conditions", problems)
    actions = _actions(raw.get("actions"), facts, key, problems, catalog, used_ids) if readable else ()
    settings = _settings(raw.get("settings"), trigger, problems, catalog)
    problems.raise_if_any()
    references = tuple(_references(trigger, config, conditions, actions, facts, catalog))
    return RuleSpec(key, config, conditions, actions, settings, references)


def _trigger(raw: Any, problems: Problems, catalog: Catalog) -> Trigger | None:
    startable = [key for key, trigger in catalog.triggers.items() if not trigger.stop_only]
    key = scalars.word(raw, startable, "/trigger_event", problems, "unknown_trigger")
    return None if key is BAD else catalog.triggers[key]


def _config(raw: Any, trigger: Trigger | None, problems: Problems) -> dict[str, Any]:
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        problems.add("/trigger_config", "type", f"Write an object here, not {shown(raw)}.")
        return {}
    if trigger is None:
        return {}
    before = len(problems)
    config = parse_params(trigger.params, raw, "/trigger_config", problems)
    if len(problems) == before:
        for name, message in trigger.problems(config):
            problems.add(child("/trigger_config", name), "invalid", message)
    return config


def _actions(
    raw: Any,
    facts: Mapping[str, Fact],
    trigger: str,
    problems: Problems,
    catalog: Catalog,
    used_ids: Collection[str],
) -> tuple[ActionSpec, ...]:
    if not isinstance(raw, list) or not raw:
        problems.add("/actions", "required", "Write a list with at least one action here.")
        return ()
    if len(raw) > MAX_ACTIONS:
        problems.add("/actions", "too_many", f"Use at most {MAX_ACTIONS} actions; there are {len(raw)}.")
        return ()
    ids = _ids(raw, used_ids, problems)
    parsed = [
        _action(one, ids[position], facts, trigger, child("/actions", position), problems, catalog)
        for position, one in enumerate(raw)
    ]
    return tuple(one for one in parsed if one is not None)


def _ids(raw: list[Any], used: Collection[str], problems: Problems) -> list[str]:
    """Keep the ids that are given; name the others a<n>, counting on from the highest number ever used."""
    given = [one.get("id") if isinstance(one, dict) else None for one in raw]
    taken: set[str] = set()
    for position, one in enumerate(given):
        path = f"/actions/{position}/id"
        if one is None or one == "":
            continue
        if not isinstance(one, str) or not ACTION_ID.fullmatch(one):
            problems.add(path, "id", "Use up to 40 of a-z, 0-9, - and _ for the id, or leave it out.")
        elif one in taken:
            problems.add(path, "duplicate", f"Give this action another id, or leave it out; {one!r} is taken.")
        else:
            taken.add(one)
    numbers = [int(one[1:]) for one in {*taken, *used} if re.fullmatch(r"a\d{1,6}", one, re.ASCII)]
    fresh = max(numbers, default=0)
    ids: list[str] = []
    for one in given:
        if one is None or one == "":
            fresh += 1
        ids.append(one if isinstance(one, str) and one else f"a{fresh}")
    return ids


def _action(
    data: Any,
    action_id: str,
    facts: Mapping[str, Fact],
    trigger: str,
    path: str,
    problems: Problems,
    catalog: Catalog,
) -> ActionSpec | None:
    if not isinstance(data, dict):
        problems.add(path, "type", f"Write an action here, not {shown(data)}.")
        return None
    kind = scalars.word(data.get("type"), catalog.actions, child(path, "type"), problems, "unknown_action")
    timing = parse_timing(data.get("timing"), child(path, "timing"), problems, trigger, catalog)
    only_if = _only_if(data.get("only_if"), facts, child(path, "only_if"), problems)
    note = data.get("note")
    note = "" if note is None else scalars.text(note, child(path, "note"), problems, MAX_NOTE, blank=True)
    disabled = data.get("disabled")
    disabled = False if disabled is None else scalars.boolean(disabled, child(path, "disabled"), problems)
    if kind is BAD:
        return None
    params = _params(catalog.actions[kind], data, path, problems)
    return ActionSpec(action_id, kind, params, timing, only_if, note, disabled)


def _params(action: Action, data: dict[str, Any], path: str, problems: Problems) -> dict[str, Any]:
    before = len(problems)
    params = parse_params(action.params, data, path, problems, reserved=ACTION_KEYS)
    if len(problems) == before:
        for name, message in action.problems(params):
            problems.add(child(path, name), "invalid", message)
    return params


def _only_if(raw: Any, facts: Mapping[str, Fact], path: str, problems: Problems) -> Group | None:
    """Check a step's own conditions; none, or none in it, is "always"."""
    if raw is None:
        return None
    group = parse_group(raw, facts, path, problems)
    return group if group.items else None


def _settings(raw: Any, trigger: Trigger | None, problems: Problems, catalog: Catalog) -> RuleSettings:
    data = scalars.record({} if raw is None else raw, SETTING_KEYS, "/settings", problems)
    reentry = _reentry(data.get("reentry"), problems)
    stop_on = _stop_on(data.get("stop_on"), trigger, problems, catalog)
    recheck = data.get("recheck")
    if recheck is not None:
        recheck = scalars.boolean(recheck, "/settings/recheck", problems)
    cap = data.get("hourly_cap")
    if cap is not None:
        cap = scalars.integer(cap, "/settings/hourly_cap", problems, 1, MAX_HOURLY_CAP)
    return RuleSettings(reentry, stop_on, recheck, cap)


def _reentry(raw: Any, problems: Problems) -> Reentry:
    if raw is None:
        return Reentry()
    path = "/settings/reentry"
    data = scalars.record(raw, ("mode", "days"), path, problems)
    if data is not raw:
        return Reentry()
    mode = scalars.word(data.get("mode"), REENTRY_MODES, child(path, "mode"), problems)
    days = data.get("days")
    if mode == "once_per_days":
        return Reentry(mode, scalars.integer(days, child(path, "days"), problems, 1, MAX_REENTRY_DAYS))
    if days is not None and mode is not BAD:
        problems.add(child(path, "days"), "unused", 'Remove the days, or choose "once_per_days".')
    return Reentry("every_time" if mode is BAD else mode)


def _stop_on(raw: Any, trigger: Trigger | None, problems: Problems, catalog: Catalog) -> tuple[str, ...]:
    if raw is None:
        return default_stop_on(trigger) if trigger else ()
    path = "/settings/stop_on"
    if raw == []:
        return ()
    keys = scalars.members(
        raw, path, problems, lambda one, where: scalars.word(one, catalog.triggers, where, problems, "unknown_trigger")
    )
    own = trigger.key if trigger else None
    return () if keys is BAD else tuple(dict.fromkeys(key for key in keys if key != own))


def default_stop_on(trigger: Trigger) -> tuple[str, ...]:
    """Give the trigger's default stop keys; its own key never stops a rule."""
    return tuple(key for key in trigger.stop_on if key != trigger.key)


def stop_keys(spec: RuleSpec, catalog: Catalog) -> tuple[tuple[str, str], ...]:
    """Give (key, scope) of what stops this rule: "subject" stops that subject's steps, "patient" all the patient's.

    A key that is not declared (any more) can never fire and is left out; the rule's own trigger never stops it.
    """
    own = catalog.triggers[spec.trigger].subject
    return tuple(
        (key, "subject" if catalog.triggers[key].subject == own else "patient")
        for key in spec.settings.stop_on
        if key in catalog.triggers and key != spec.trigger
    )


def _references(
    trigger: Trigger | None,
    config: Mapping[str, Any],
    conditions: Group,
    actions: tuple[ActionSpec, ...],
    facts: Mapping[str, Fact],
    catalog: Catalog,
) -> Iterator[ReferenceUse]:
    """Find every row that the rule names, disabled actions included."""
    if trigger is not None:
        yield from (ReferenceUse(*use) for use in references_in(trigger.params, config, "/trigger_config"))
    yield from references_of(conditions, facts, "/conditions")
    for position, action in enumerate(actions):
        path = f"/actions/{position}"
        yield from (
            ReferenceUse(*use) for use in references_in(catalog.actions[action.type].params, action.params, path)
        )
        if action.only_if is not None:
            yield from references_of(action.only_if, facts, f"{path}/only_if")
