"""What the editor sends, as a rule again; and where in the editor a problem of the rule belongs.

The data may be anything that somebody posts. Nothing is repaired here: what does not fit is passed on as it is, and
the one validator (engine.schema) refuses it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from automations.admin.convert import Editor, param_inputs
from automations.admin.inputs import MISSING, Input
from automations.admin.lines import EXTRA, GROUP, MEMBER, TimingLine
from automations.engine.declare import catalog

Coords = tuple[str, ...]


class Readback:
    """A rule read from the editor, and the places of its values in it."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self.places: dict[Coords, Coords] = {}

    def config(self, data: Any) -> Any:
        """Return the trigger's settings."""
        if not isinstance(data, dict):
            return data
        declared = catalog.triggers[self.editor.trigger].params if self.editor.trigger else ()
        made = param_inputs(declared, self.editor.trigger, self.editor.choices)
        here = ("trigger_config",)
        self.places[here] = here
        return {**self._params(made, data, here, here), **self._extra(data, here, here)}

    def group(self, data: Any, at: Coords, wire: Coords, fixed: Mapping[str, Any] | None = None) -> Any:
        """Return a group of conditions with all that is in it."""
        if not isinstance(data, dict) or not isinstance(data.get("items"), list):
            return data
        self.places[wire] = at
        self.places[(*wire, "items")] = (*at, "items")
        self.places[(*wire, "match")] = (*at, "match")
        items = [
            self._item(one, (*at, "items", str(n)), (*wire, "items", str(n))) for n, one in enumerate(data["items"])
        ]
        return {**(fixed or {}), "match": data.get("match"), "items": items, **self._extra(data, at, wire)}

    def _item(self, data: Any, at: Coords, wire: Coords) -> Any:
        self.places[wire] = at
        if not isinstance(data, dict):
            return data
        name = data.get("field")
        if name == GROUP:
            return self.group(data, at, wire, {"field": GROUP})
        # A line typed under another trigger is still in the shape of its fact, though this one does not offer it.
        readable = isinstance(name, str) and (name in self.editor.offered or "op" in data)
        if not isinstance(name, str) or name not in catalog.facts or not readable:
            return {"field": name, **self._extra(data, at, wire)}
        line = self.editor.fact_line(name)
        item: dict[str, Any] = {"field": name, "op": data.get("op")}
        self.places[(*wire, "op")] = (*at, "op")
        operand = line.operand(data.get("op"))
        if operand is not None:
            self._read(operand, "value", data, item, at, wire)
        item |= self._params(line.params, data, at, wire)
        if line.fact.family:
            item["field"] = f"{name.removesuffix('*')}{item.pop(MEMBER, '')}"
            self.places[(*wire, "field")] = (*at, MEMBER)
        return {**item, **self._extra(data, at, wire)}

    def actions(self, data: Any) -> Any:
        """Return the list of actions."""
        self.places[("actions",)] = ("actions",)
        if not isinstance(data, list):
            return data
        return [self._action(one, ("actions", str(n)), ("actions", str(n))) for n, one in enumerate(data)]

    def _action(self, data: Any, at: Coords, wire: Coords) -> Any:
        self.places[wire] = at
        if not isinstance(data, dict):
            return data
        kind = data.get("type")
        if not isinstance(kind, str) or kind not in catalog.actions:
            return {"type": kind, **self._extra(data, at, wire)}
        action: dict[str, Any] = {"type": kind}
        if data.get("id"):
            action["id"] = data["id"]
        action |= self._params(self.editor.action_line(kind).params, data, at, wire)
        action["timing"] = self._timing(data, at, (*wire, "timing"))
        action["only_if"] = self.group(data.get("only_if"), (*at, "only_if"), (*wire, "only_if"))
        for key in ("note", "disabled"):
            action[key] = data.get(key)
            self.places[(*wire, key)] = (*at, key)
        return {**action, **self._extra(data, at, wire)}

    def _timing(self, data: Mapping[str, Any], at: Coords, wire: Coords) -> Any:
        line = self.editor.timing_line()
        mode = data.get("when__mode")
        self.places[wire] = (*at, "when__mode")
        timing: dict[str, Any] = {"mode": mode}
        for name in TimingLine.USED.get(mode, ()) if isinstance(mode, str) else ():
            place = (*wire, "within", name) if mode == "wait_for" and name in ("amount", "unit") else (*wire, name)
            self.places[place] = (*at, f"when__{name}")
            value = line.inputs[name].read(data)
            if value is not MISSING:
                timing[name] = value
        if mode == "wait_for":
            timing["within"] = {name: timing.pop(name) for name in ("amount", "unit") if name in timing}
        return timing

    def _params(self, made: Mapping[str, Input], data: Mapping[str, Any], at: Coords, wire: Coords) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, one in made.items():
            self._read(one, name, data, values, at, wire)
        return values

    def _read(
        self, one: Input, name: str, data: Mapping[str, Any], into: dict[str, Any], at: Coords, wire: Coords
    ) -> None:
        self.places[(*wire, name)] = (*at, one.key())
        for part, key in one.parts.items():
            self.places[(*wire, name, part)] = (*at, key)
        value = one.read(data)
        if value is not MISSING:
            into[name] = value

    def _extra(self, data: Mapping[str, Any], at: Coords, wire: Coords) -> dict[str, Any]:
        """Return what no input stands for, so that the validator names it."""
        raw = data.get(EXTRA)
        if not raw:
            return {}
        try:
            rest = json.loads(raw) if isinstance(raw, str) else None
        except (ValueError, RecursionError):
            rest = None
        if not isinstance(rest, dict):
            rest = {EXTRA: raw}
        for key in rest:
            self.places.setdefault((*wire, key), (*at, EXTRA))
        return rest

    def place(self, pointer: str) -> Coords:
        """Return the input (or line) that a JSON Pointer into the rule belongs to; () if none."""
        path = tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, ())
