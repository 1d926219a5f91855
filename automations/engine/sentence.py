"""Say a rule as one plain sentence, in message ids and parameters. automations/wording.py puts them into words.

A parameter is a phrase, a list of phrases, a label of a declaration, a plain value, or a Name: a row known by kind
and slug, whose
display name only the database knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .declare import Action, Catalog, Param
from .operators import OPERATORS
from .values import ActionSpec, Condition, Delay, Group, Relative, RuleSpec, Timing, WaitFor


@dataclass(frozen=True, slots=True)
class Name:
    """A row to be shown by its display name."""

    kind: str
    slug: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """A message id with its parameters."""

    id: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A rule said plainly: when (and only if), what then, and within which limits."""

    opening: Phrase
    steps: tuple[Phrase, ...]
    limits: tuple[Phrase, ...]


def sentence(spec: RuleSpec, catalog: Catalog) -> Sentence:
    """Say a rule. A part whose declaration is gone is said by its key."""
    trigger = _trigger(spec.trigger, spec.trigger_config, catalog)
    if spec.conditions.items:
        opening = Phrase(
            "rule.when_if", {"trigger": trigger, "conditions": conditions_phrase(spec.conditions, catalog)}
        )
    else:
        opening = Phrase("rule.when", {"trigger": trigger})
    return Sentence(opening, tuple(_step(one, catalog) for one in spec.actions), tuple(_limits(spec, catalog)))


def _trigger(key: str, config: Mapping[str, Any], catalog: Catalog) -> Phrase:
    declared = catalog.triggers.get(key)
    settings = _params(declared.params if declared else (), config)
    label = declared.label if declared else key
    return (
        Phrase("trigger.with", {"label": label, "settings": settings})
        if settings
        else Phrase("plain", {"label": label})
    )


def conditions_phrase(group: Group, catalog: Catalog, inside: bool = False) -> Phrase:
    """Say a condition tree; a group inside another is in brackets."""
    items = tuple(
        conditions_phrase(item, catalog, inside=True) if isinstance(item, Group) else condition_phrase(item, catalog)
        for item in group.items
    )
    if group.match == "none":
        return Phrase("group.none", {"items": items})
    brackets = inside and len(items) > 1
    return Phrase(f"group.{group.match}" + (".inside" if brackets else ""), {"items": items})


def condition_phrase(condition: Condition, catalog: Catalog) -> Phrase:
    """Say one condition: its field, operator and value."""
    name = field_phrase(condition, catalog)
    op = Phrase(f"op.{condition.type}.{condition.op}")
    value = value_phrase(condition, catalog)
    if value is None:
        return Phrase("condition.bare", {"field": name, "op": op})
    return Phrase("condition", {"field": name, "op": op, "value": value})


def field_phrase(condition: Condition, catalog: Catalog) -> Phrase:
    """Say what a condition asks about: its field with its parameters."""
    fact = catalog.facts.get(condition.field)
    label = fact.label if fact else condition.field
    settings = _params(fact.params if fact else (), condition.params)
    return (
        Phrase("field.with", {"label": label, "settings": settings}) if settings else Phrase("plain", {"label": label})
    )


def value_phrase(condition: Condition, catalog: Catalog) -> Phrase | None:
    """Say what a condition compares with; None for an operator that takes nothing."""
    takes = OPERATORS[condition.type, condition.op].takes
    if takes == "nothing":
        return None
    fact = catalog.facts.get(condition.field)
    return _value(takes, condition.value, dict(fact.choices) if fact else {}, fact.reference if fact else None)


def _value(takes: str, value: Any, labels: Mapping[str, Any], reference: str | None) -> Phrase:
    if takes == "span":
        return _span(value["amount"], value["unit"])
    if takes == "pair":
        return Phrase("value.pair", {"low": value[0], "high": value[1]})
    if takes == "flag":
        return Phrase("value.yes" if value else "value.no")
    if isinstance(value, list):
        return Phrase("value.or", {"items": tuple(_word(one, labels, reference) for one in value)})
    return _word(value, labels, reference)


def _word(value: Any, labels: Mapping[str, Any], reference: str | None) -> Phrase:
    if value in labels:
        return Phrase("plain", {"label": labels[value]})
    return Phrase("plain", {"label": Name(reference, value) if reference is not None else value})


def _span(amount: int, unit: str) -> Phrase:
    return Phrase(f"span.{unit}", {"amount": amount})


def _params(declared: Iterable[Param], values: Mapping[str, Any]) -> tuple[Phrase, ...]:
    """Say the parameters that are given, each as "label value"; a window is said as such."""
    return tuple(
        Phrase("param.window", {"span": _span(values[one.name]["amount"], values[one.name]["unit"])})
        if one.type == "window"
        else Phrase("param", {"label": one.label, "value": param_phrase(one, values[one.name])})
        for one in declared
        if values.get(one.name) is not None
    )


def param_phrase(param: Param, value: Any) -> Phrase:
    """Say the value of a parameter."""
    if isinstance(value, bool):
        return Phrase("value.yes" if value else "value.no")
    if param.type == "window":
        return _span(value["amount"], value["unit"])
    if param.type == "offset":
        side = "after" if value["amount"] > 0 else "before" if value["amount"] else "same"
        return Phrase(f"offset.{side}", {"span": _span(abs(value["amount"]), value["unit"])})
    reference = param.reference if param.type == "reference" else None
    labels = dict(param.choices)
    if isinstance(value, list):
        return Phrase("value.or", {"items": tuple(_word(one, labels, reference) for one in value)})
    return _word(value, labels, reference)


def _step(spec: ActionSpec, catalog: Catalog) -> Phrase:
    said = action_phrase(spec, catalog.actions.get(spec.type))
    when = _timing(spec.timing, catalog)
    if when is not None:
        said = Phrase("step.timed", {"timing": when, "action": said})
    if spec.only_if is not None:
        said = Phrase("step.only_if", {"step": said, "conditions": conditions_phrase(spec.only_if, catalog)})
    return Phrase("step.disabled", {"step": said}) if spec.disabled else said


def action_phrase(spec: ActionSpec, action: Action | None) -> Phrase:
    """Say what an action does, without its time and its conditions."""
    if action is None:
        return Phrase("plain", {"label": spec.type})
    if not action.phrase:
        settings = tuple(_params(action.params, spec.params))
        if not settings:
            return Phrase("plain", {"label": action.label})
        return Phrase("action.with", {"label": action.label, "settings": settings})
    values = {
        one.name: param_phrase(one, spec.params[one.name])
        for one in action.params
        if spec.params.get(one.name) is not None
    }
    extras = tuple(text for name, text in action.extras.items() if spec.params.get(name))
    return Phrase("action", {"phrase": action.phrase, "extras": extras, "values": values})


def _timing(timing: Timing, catalog: Catalog) -> Phrase | None:
    if isinstance(timing, Delay):
        span = _span(timing.amount, timing.unit)
        if timing.at is None:
            return Phrase("timing.delay", {"span": span}) if timing.amount else None
        at = timing.at.strftime("%H:%M")
        return Phrase("timing.delay_at" if timing.amount else "timing.today_at", {"span": span, "at": at})
    if isinstance(timing, Relative):
        anchor = catalog.anchors.get(timing.anchor)
        params = {"span": _span(timing.amount, timing.unit), "anchor": anchor.label if anchor else timing.anchor}
        return Phrase(f"timing.{timing.direction}" if timing.amount else "timing.at_anchor", params)
    if isinstance(timing, WaitFor):
        awaited = _trigger(timing.trigger, {}, catalog)
        params = {"trigger": awaited, "span": _span(timing.amount, timing.unit)}
        return Phrase(f"timing.wait_for.{timing.otherwise}", params)
    return None


def _limits(spec: RuleSpec, catalog: Catalog) -> Iterable[Phrase]:
    reentry = spec.settings.reentry
    if reentry.mode == "once_per_patient":
        yield Phrase("limit.once_per_patient")
    elif reentry.mode == "once_per_days":
        yield Phrase("limit.once_per_days", {"span": _span(reentry.days or 0, "days")})
    if spec.settings.hourly_cap is not None:
        yield Phrase("limit.hourly_cap", {"amount": spec.settings.hourly_cap})
    if spec.settings.stop_on:
        yield Phrase("limit.stop_on", {"items": tuple(_trigger(key, {}, catalog) for key in spec.settings.stop_on)})
