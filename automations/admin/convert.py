"""A stored rule as the editor shows it: every input of every line is there, and nothing of the rule is lost.

django-jsonform tells the kinds of a line apart by its set of keys, and shows the first kind when none fits; saving
would then destroy the line. So each line gets exactly the inputs of its kind, and what has no input goes into
`EXTRA` as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from automations.admin.choices import Choices
from automations.admin.inputs import Input, of_param
from automations.admin.lines import EXTRA, GROUP, MEMBER, NOWHERE, ActionLine, FactLine, TimingLine
from automations.engine.declare import Fact, Param, catalog
from automations.engine.problems import Problems, RuleInvalid
from automations.engine.structure import check_structure

PARTS = ("trigger_config", "conditions", "actions")


class Unreadable(Exception):
    """A stored rule of which no editor can be made. The text says why."""


class Editor:
    """The lines that a trigger (or a list of facts) offers at one clinic, and a rule brought to them."""

    def __init__(self, clinic_id: int | None, trigger: str, facts: Mapping[str, Fact] | None = None) -> None:
        self.choices = Choices(clinic_id)
        self.trigger = trigger if trigger in catalog.triggers else ""
        self.offered: Mapping[str, Fact] = catalog.facts_for(self.trigger) if self.trigger else facts or {}
        self.unknown_fields: dict[str, None] = {}
        self.unknown_types: dict[str, None] = {}
        self._facts: dict[str, FactLine] = {}
        self._actions: dict[str, ActionLine] = {}
        self._timing: TimingLine | None = None
        self.kept_modes: dict[str, None] = {}

    def fact_line(self, key: str) -> FactLine:
        """Return the inputs of a declared fact."""
        if key not in self._facts:
            self._facts[key] = FactLine(catalog.facts[key], self.choices)
        return self._facts[key]

    def action_line(self, key: str) -> ActionLine:
        """Return the inputs of a declared action."""
        if key not in self._actions:
            self._actions[key] = ActionLine(catalog.actions[key], self.choices)
        return self._actions[key]

    def timing_line(self) -> TimingLine:
        """Return the inputs of a timing."""
        if self._timing is None:
            self._timing = TimingLine(self.trigger, self.choices)
            for mode in self.kept_modes:
                self._timing.offer(mode)
        return self._timing

    def forget_lines(self) -> None:
        """Make the lines anew: the choices now know what the stored rule names."""
        self._facts, self._actions, self._timing = {}, {}, None

    # --- from the stored rule ---

    def show(self, document: Any) -> dict[str, Any]:
        """Return the three parts as the editor's data. Raises Unreadable."""
        check_readable(document)
        shown = {
            "trigger_config": self._config(document.get("trigger_config") or {}),
            "conditions": self._group(document.get("conditions") or {"match": "all", "items": []}),
            "actions": [self._action(one) for one in document.get("actions") or []],
        }
        self.forget_lines()
        return shown

    def _config(self, config: dict[str, Any]) -> dict[str, Any]:
        declared = catalog.triggers[self.trigger].params if self.trigger else ()
        line = _write(param_inputs(declared, self.trigger, self.choices), config)
        self._keep_params(self.trigger, declared, config)
        return line

    def _group(self, group: dict[str, Any], known: tuple[str, ...] = ("match", "items")) -> dict[str, Any]:
        self.choices.keep(("match",), [group["match"]] if isinstance(group.get("match"), str) else [])
        items = [self._item(one) for one in group.get("items") or []]
        return {"match": group.get("match", "all"), "items": items, EXTRA: _extra(group, known)}

    def _item(self, item: dict[str, Any]) -> dict[str, Any]:
        name = item.get("field")
        if name == GROUP:
            return {"field": GROUP, **self._group(item, ("field", "match", "items"))}
        if not isinstance(name, str) or name == NOWHERE:
            return {"field": NOWHERE, EXTRA: _extra(item, ("field",))}
        if name not in self.offered:
            self.unknown_fields[name] = None
            return {"field": name, EXTRA: _extra(item, ("field",))}
        return self._condition(name, item)

    def _condition(self, name: str, item: dict[str, Any]) -> dict[str, Any]:
        fact = self.offered[name]
        key = fact.member_of or name
        line = self.fact_line(key)
        op = item["op"] if isinstance(item.get("op"), str) else ""
        values: dict[str, Any] = {}
        for one in line.operands.values():
            values |= one.blank
        operand = line.operand(op)
        written = operand.write(item["value"]) if operand is not None and "value" in item else None
        lost = {"value": item["value"]} if "value" in item and written is None and item["value"] is not None else {}
        rest = {key: value for key, value in item.items() if key not in ("field", "op", "value")}
        if fact.member_of:
            rest[MEMBER] = name.partition(".")[2]
        params = _write(line.params, rest)
        self._keep_members(line.fact, item.get("value"))
        self._keep_params(line.fact.key, line.fact.params, rest)
        self.choices.keep((f"op {key}",), [op] if op else [])
        extra = _merge(lost, params.pop(EXTRA))
        return {"field": key, "op": op, **values, **(written or {}), **params, EXTRA: extra}

    def _keep_members(self, fact: Fact, value: Any) -> None:
        self._keep(fact.key, fact.choices, fact.reference, value)

    def _keep_params(self, owner: str, declared: Iterable[Param], values: Mapping[str, Any]) -> None:
        for param in declared:
            place = (owner, param.name)
            if param.type in ("choice", "reference"):
                self._keep(place, param.choices, param.reference, values.get(param.name))

    def _keep(self, place: Any, words: Iterable[tuple[str, Any]], reference: str | None, value: Any) -> None:
        known = {word for word, _label in words}
        given = value if isinstance(value, list) else [value]
        others = [one for one in given if isinstance(one, str) and one and one not in known]
        where = ("reference", reference) if reference else (place if isinstance(place, tuple) else (place,))
        self.choices.keep(where, others)

    def _action(self, action: dict[str, Any]) -> dict[str, Any]:
        kind = action.get("type")
        known = ("id", "type", "timing", "only_if", "note", "disabled")
        if not isinstance(kind, str) or kind not in catalog.actions:
            kind = kind if isinstance(kind, str) else NOWHERE
            if kind:
                self.unknown_types[kind] = None
            return {"type": kind, EXTRA: _extra(action, ("type",))}
        line = self.action_line(kind)
        rest = {key: value for key, value in action.items() if key not in known}
        self._keep_params(kind, line.action.params, rest)
        params = _write(line.params, rest)
        extra = params.pop(EXTRA)
        timing, odd = self._when(action.get("timing"))
        for key, kind_of in (("id", str), ("note", str), ("disabled", bool)):
            if action.get(key) is not None and not isinstance(action[key], kind_of):
                odd[key] = action[key]
        return {
            "id": _typed(action.get("id"), str, ""),
            "type": kind,
            **params,
            **timing,
            "only_if": self._group(action.get("only_if") or {"match": "all", "items": []}),
            "note": _typed(action.get("note"), str, ""),
            "disabled": _typed(action.get("disabled"), bool, False),
            EXTRA: _merge(odd, extra),
        }

    def _when(self, timing: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        line = self.timing_line()
        data: dict[str, Any] = {}
        for one in line.inputs.values():
            data |= one.blank
        if timing is None:
            return data, {}
        flat, odd = _flat(timing)
        if flat is None:
            return data, {"timing": timing}
        self.kept_modes[flat["mode"]] = None
        self.choices.keep(("anchor",), [flat["anchor"]] if isinstance(flat.get("anchor"), str) else [])
        self.choices.keep(("awaited",), [flat["trigger"]] if isinstance(flat.get("trigger"), str) else [])
        for name, value in flat.items():
            written = line.inputs[name].write(value) if name in line.inputs else None
            if written is None and value is not None:
                return {**data}, {"timing": timing}
            data |= written or {}
        return data, odd


def _flat(timing: Any) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Bring a timing to one level; None if it is none."""
    if not isinstance(timing, dict) or timing.get("mode") not in TimingLine.USED:
        return None, {}
    flat = {**timing}
    if flat["mode"] == "wait_for":
        within = flat.pop("within", {})
        if not isinstance(within, dict) or set(within) - {"amount", "unit"}:
            return None, {}
        flat |= within
    if set(flat) - {"mode", *TimingLine.USED[flat["mode"]]}:
        return None, {}
    return flat, {}


def check_readable(document: Any) -> None:
    """Raise Unreadable if the stored rule has not even the outline of one."""
    try:
        check_structure(document, Problems())
    except RuleInvalid as error:
        raise Unreadable(error.errors[0].message) from error
    if not isinstance(document, dict):
        raise Unreadable("It is no JSON object.")
    for part, kind in (("trigger_config", dict), ("conditions", dict), ("actions", list)):
        if not isinstance(document.get(part) or kind(), kind):
            raise Unreadable(f"Its {part} cannot be read.")
    _check_group(document.get("conditions") or {}, "conditions")
    for number, action in enumerate(document.get("actions") or [], 1):
        if not isinstance(action, dict):
            raise Unreadable(f"Its action {number} cannot be read.")
        _check_group(action.get("only_if") or {}, f"action {number}")


def _check_group(group: Any, where: str) -> None:
    if not isinstance(group, dict) or not isinstance(group.get("items") or [], list):
        raise Unreadable(f"Its conditions ({where}) cannot be read.")
    if not isinstance(group.get("match", "all"), str):
        raise Unreadable(f"Its conditions ({where}) cannot be read.")
    for item in group.get("items") or []:
        if not isinstance(item, dict):
            raise Unreadable(f"Its conditions ({where}) cannot be read.")
        if item.get("field") == GROUP:
            _check_group(item, where)


def param_inputs(declared: Iterable[Param], owner: str, choices: Choices) -> dict[str, Input]:
    """Return the inputs of declared parameters, by name."""
    return {param.name: of_param(param, owner, choices) for param in declared}


def _write(made: Mapping[str, Input], values: Mapping[str, Any]) -> dict[str, Any]:
    """Bring values to their inputs; what has none, or does not fit, goes into EXTRA."""
    data: dict[str, Any] = {}
    lost: dict[str, Any] = {}
    for one in made.values():
        data |= one.blank
    for name, value in values.items():
        written = made[name].write(value) if name in made else None
        if written is None and value is not None:
            lost[name] = value
        data |= written or {}
    return {**data, EXTRA: json.dumps(lost, ensure_ascii=False) if lost else ""}


def _extra(item: Mapping[str, Any], known: Iterable[str]) -> str:
    rest = {key: value for key, value in item.items() if key not in known}
    return json.dumps(rest, ensure_ascii=False) if rest else ""


def _merge(lost: Mapping[str, Any], extra: str) -> str:
    both = {**lost, **(json.loads(extra) if extra else {})}
    return json.dumps(both, ensure_ascii=False) if both else ""


def _typed(value: Any, kind: type, blank: Any) -> Any:
    return value if isinstance(value, kind) else blank
