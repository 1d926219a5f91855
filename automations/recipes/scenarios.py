"""Play a recipe's scenarios: what an event with these facts makes of its rule, without a database.

A scenario is a story with a known end:

    {"title": …, "zone": …, "event": {"trigger": …, "at": …, "anchors": {…}, "before": […]}, "facts": {…},
     "ran_at": …, "later": {"facts": {…}, "events": {trigger: when}}, "suppressed": …, "steps": [{"id": …, "due": …}]}

`facts` are what the event knew; a bare fact key stands for it under whatever settings the rule asks, null is unknown.
`before` are triggers that the subject had already, `ran_at` is when the rule last ran for the patient. `later` is what
becomes of it until the steps are due: patient facts that are another, and events of the same subject. An expected step
says its id and whatever else is to be looked at: due, state, reason, waiting_for, action, role. No steps: it does not
run. The index, the planner, the re-entry and the re-check asked here are those that events are answered with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from automations.compiled import all_stops
from automations.engine.declare import FactType, catalog
from automations.engine.index import RuleIndex
from automations.engine.plan import plan
from automations.engine.values import (
    ActionSpec,
    Condition,
    EventFacts,
    Group,
    PlannedStep,
    RuleSpec,
    WaitFor,
)
from automations.recheck import evaluate_again
from automations.suppression import again

ZONE = "Europe/Bucharest"
KEYS = {"title", "zone", "event", "facts", "ran_at", "later", "suppressed", "steps"}
EVENT_KEYS = {"trigger", "at", "anchors", "before"}
LATER_KEYS = {"facts", "events"}
STEP_KEYS = {"id", "action", "role", "due", "waiting_for", "state", "reason"}
TASK = "create_task"
Scenario = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Played:
    """How a scenario ended: why the rule was suppressed, or its steps as the expectation writes them."""

    suppressed: str
    steps: tuple[Mapping[str, Any], ...]


def failures(scenario: Scenario, spec: RuleSpec) -> list[str]:
    """Return what is wrong with the scenario, or where its end differs from what it says; nothing: it holds."""
    try:
        found = list(_malformed(scenario, spec))
        return found or list(_differences(scenario, play(scenario, spec)))
    except (KeyError, TypeError, ValueError) as error:  # a moment, zone or value that cannot be read
        return [f"it cannot be read ({type(error).__name__}: {error})"]


def play(scenario: Scenario, spec: RuleSpec) -> Played:
    """Answer the scenario's event with the rule alone."""
    event = _event(scenario, spec)
    found = RuleIndex([("rule", spec)], catalog).match(event)
    if found.errors:
        raise ValueError(found.errors[0][1])
    if not found.matched:
        return Played("", ())
    last = scenario.get("ran_at")
    reason = again(spec.settings.reentry, event.occurred_at, _moment(last) if last else None)
    if reason is not None:
        return Played(reason.code, ())
    told = scenario["event"]
    anchors = {key: _anchor(value) for key, value in told.get("anchors", {}).items()}
    before = frozenset(told.get("before", ()))
    stop = next((key for key, _scope in all_stops(spec) if key in before), None)
    begins = next((anchors.get(one.key) for one in catalog.anchors_for(spec.trigger).values() if one.begins), None)
    planned = plan(
        "rule",
        spec,
        "event",
        event,
        catalog,
        now=event.occurred_at,
        anchors=anchors,
        happened=before,
        appointment_starts_at=begins if isinstance(begins, datetime) else None,
        stopped_by=stop,
    )
    actions = {action.id: action for action in spec.actions}
    return Played("", tuple(_ended(step, actions[step.action_id], spec, event, scenario) for step in planned))


# --- what becomes of a planned step ---


def _ended(
    step: PlannedStep, action: ActionSpec, spec: RuleSpec, event: EventFacts, scenario: Scenario
) -> dict[str, Any]:
    """Follow a step to its end, through what happens later."""
    if step.state == "pending":
        step = _run(step, action, spec, event, scenario)
    return {
        "id": step.action_id,
        "action": step.action,
        "role": step.role,
        "due": step.due_at,
        "waiting_for": step.waiting_for,
        "state": step.state,
        "reason": step.reason_code,
    }


def _run(step: PlannedStep, action: ActionSpec, spec: RuleSpec, event: EventFacts, scenario: Scenario) -> PlannedStep:
    later = scenario.get("later", {})
    events = {key: _moment(when) for key, when in later.get("events", {}).items()}
    came = events.get(step.waiting_for or "")
    if came is not None and came <= step.due_at:
        step = replace(step, due_at=came, waiting_for=None)
    if any(key in events and events[key] < step.due_at for key, _scope in all_stops(spec)):
        return replace(step, state="cancelled", reason_code="stopped")
    if step.waiting_for and isinstance(action.timing, WaitFor) and action.timing.otherwise == "skip":
        return replace(step, state="skipped", reason_code="too_late")
    if step.waiting_for:
        step = replace(step, action=TASK, role="specialist", reason_code="too_late")
    fresh = {**event.facts, **_expanded(later.get("facts", {}), spec)}
    wanted = spec.settings.recheck
    rechecks = catalog.actions[action.type].message if wanted is None else wanted
    if rechecks and evaluate_again(spec.conditions, event, fresh, step.due_at).result is not True:
        return replace(step, state="skipped", reason_code="recheck_failed")
    if action.only_if and evaluate_again(action.only_if, event, fresh, step.due_at).result is not True:
        return replace(step, state="skipped", reason_code="only_if_false")
    return replace(step, state="done")


# --- reading ---


def _event(scenario: Scenario, spec: RuleSpec) -> EventFacts:
    told = scenario["event"]
    zone = ZoneInfo(scenario.get("zone", ZONE))
    return EventFacts(told.get("trigger", spec.trigger), _moment(told["at"]), zone, _expanded(scenario["facts"], spec))


def _expanded(facts: Mapping[str, Any], spec: RuleSpec) -> dict[str, Any]:
    """Give a bare fact key's value to each (fact, settings) that the rule asks for and that is not told itself."""
    asked = {one.key: facts[one.field] for one in _conditions(spec) if one.field in facts}
    return {**asked, **facts}


def _conditions(spec: RuleSpec) -> Iterator[Condition]:
    groups: list[Group | None] = [spec.conditions, *(action.only_if for action in spec.actions)]
    for group in groups:
        yield from group.conditions() if group else ()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    return moment.astimezone(UTC)


def _anchor(text: str) -> date:
    return date.fromisoformat(text) if len(text) == len("2026-11-24") else _moment(text)


# --- what is wrong ---


def _malformed(scenario: Scenario, spec: RuleSpec) -> Iterator[str]:
    """Find keys that nobody reads, events and facts that do not exist, and facts that are asked for and not told."""
    told, later = scenario["event"], scenario.get("later", {})
    lists = (
        (scenario, KEYS),
        (told, EVENT_KEYS),
        (later, LATER_KEYS),
        *((one, STEP_KEYS) for one in scenario["steps"]),
    )
    for given, known in lists:
        yield from (f"nobody reads {key!r}" for key in given if key not in known)
    trigger = told.get("trigger", spec.trigger)
    names = [trigger, *told.get("before", ()), *later.get("events", {})]
    yield from (f"there is no trigger {key!r}" for key in names if key not in catalog.triggers)
    if trigger not in catalog.triggers:
        return
    yield from (
        f"{trigger} has no {key!r}" for key in told.get("anchors", {}) if key not in catalog.anchors_for(trigger)
    )
    for facts in (scenario["facts"], later.get("facts", {})):
        yield from _bad_facts(facts, trigger)
    yield from (f"{key} stays as it was" for key in later.get("facts", {}) if not key.startswith("patient."))
    if trigger == spec.trigger:
        asked = {one.field for one in _conditions(spec) if not {one.field, one.key} & set(scenario["facts"])}
        yield from (f"it does not say what {field} was" for field in sorted(asked))


def _bad_facts(facts: Mapping[str, Any], trigger: str) -> Iterator[str]:
    offered = catalog.facts_for(trigger)
    for key, value in facts.items():
        fact = offered.get(key.partition("{")[0].partition("@")[0])
        if fact is None:
            yield f"{trigger} offers no fact {key!r}"
        elif value is not None and not _FITS[fact.type](value):
            yield f"{value!r} is no {fact.type.value} for {key}"


_FITS = {
    FactType.number: lambda value: type(value) in (int, float),
    FactType.boolean: lambda value: type(value) is bool,
    FactType.list: lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    FactType.date: lambda value: isinstance(value, str) and bool(datetime.fromisoformat(value)),
    FactType.any: lambda value: True,
    FactType.text: lambda value: isinstance(value, str),
    FactType.choice: lambda value: isinstance(value, str),
    FactType.reference: lambda value: isinstance(value, str),
}


def _differences(scenario: Scenario, played: Played) -> Iterator[str]:
    """Compare the end with the expectation, key by key."""
    wanted = scenario.get("suppressed", "")
    if played.suppressed != wanted:
        yield f"suppressed: {played.suppressed or 'no'} instead of {wanted or 'no'}"
    ids = [one["id"] for one in scenario["steps"]], [one["id"] for one in played.steps]
    if ids[0] != ids[1]:
        yield f"its steps are {', '.join(ids[1]) or 'none'} instead of {', '.join(ids[0]) or 'none'}"
        return
    for expected, step in zip(scenario["steps"], played.steps, strict=True):
        for key, value in {"state": "done", "reason": "", "waiting_for": None, **expected}.items():
            wanted_value = _moment(value) if key == "due" else value
            if step[key] != wanted_value:
                yield f"{expected['id']}: {key} is {_shown(step[key])} instead of {_shown(wanted_value)}"


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value or "nothing")
