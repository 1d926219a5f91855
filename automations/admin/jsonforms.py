"""The schemas of the editor's three parts, for django-jsonform; made anew for every request.

What django-jsonform 2.23 needs: `oneOf` only among the items of a list, each kind told apart by a hidden `const` and
by its exact set of keys; nested groups by `$ref`. Nothing is validated by these schemas.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from automations.admin.convert import Editor, Unreadable, check_readable, param_inputs
from automations.admin.inputs import Input
from automations.admin.lines import EXTRA, GROUP, NOWHERE, FactLine, match_options
from automations.engine.declare import catalog
from automations.showing.words import fact_title

Schema = dict[str, Any]
ITEM = "#/$defs/item"


def schemas(editor: Editor) -> dict[str, Schema]:
    """Return the schema of each part."""
    return {"trigger_config": config(editor), "conditions": conditions(editor), "actions": actions(editor)}


def config(editor: Editor) -> Schema:
    """Return the settings of the trigger."""
    declared = catalog.triggers[editor.trigger].params if editor.trigger else ()
    made = param_inputs(declared, editor.trigger, editor.choices)
    return {"type": "object", "title": "", "properties": {**_flat(made.values()), EXTRA: _extra()}}


def conditions(editor: Editor) -> Schema:
    """Return the tree of conditions."""
    return {"type": "object", "title": "", "properties": _group(editor), "$defs": {"item": _item(editor)}}


def actions(editor: Editor) -> Schema:
    """Return the list of actions."""
    kinds = [_placeholder("type", _("Choose what to do …"))]
    kinds += [_action(editor, key) for key in catalog.actions]
    kinds += [_lost("type", key) for key in editor.unknown_types]
    return {"type": "array", "title": "", "items": {"oneOf": kinds}, "$defs": {"item": _item(editor)}}


def hidden(editor: Editor) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Return which inputs the page hides: by field and operator, and by the mode of a timing."""
    by_field = {key: editor.fact_line(key).shown() for key in editor.offered}
    return {"op": by_field, "when__mode": {"": editor.timing_line().shown()}}


def _const(value: str) -> Schema:
    return {"type": "string", "const": value, "widget": "hidden"}


def _extra() -> Schema:
    return {"type": "string", "title": _("Settings that nothing reads any more")}


def _flat(made: Iterable[Input]) -> dict[str, Schema]:
    return {key: dict(schema) for one in made for key, schema in one.schemas.items()}


def _group(editor: Editor) -> dict[str, Schema]:
    options = editor.choices.words(("match",), [(one["value"], one["title"]) for one in match_options()])
    match = {"type": "string", "title": _("Run only when the patient matches"), "choices": options, "default": "all"}
    items = {"type": "array", "title": _("Conditions"), "items": {"$ref": ITEM}}
    return {"match": match, "items": items, EXTRA: _extra()}


def _item(editor: Editor) -> Schema:
    offered = sorted(editor.offered.values(), key=lambda fact: (fact.key.startswith("patient."), fact_title(fact)))
    kinds = [_placeholder("field", _("Choose what to ask …"))]
    kinds += [_condition(editor.fact_line(fact.key), editor) for fact in offered]
    kinds.append(
        {
            "type": "object",
            "title": "⊞ " + _("Group of conditions"),
            "properties": {"field": _const(GROUP), **_group(editor)},
        }
    )
    kinds += [_lost("field", key) for key in editor.unknown_fields]
    return {"oneOf": kinds}


def _condition(line: FactLine, editor: Editor) -> Schema:
    fact = line.fact
    known = line.op_options()
    words = editor.choices.words((f"op {fact.key}",), [(one["value"], one["title"]) for one in known])
    op = {"type": "string", "title": _("is"), "choices": words, "default": known[0]["value"]}
    properties = {"field": _const(fact.key), "op": op, **_flat(line.all()), EXTRA: _extra()}
    return {"type": "object", "title": fact_title(fact), "description": str(fact.doc), "properties": properties}


def _action(editor: Editor, key: str) -> Schema:
    line = editor.action_line(key)
    only_if = {"type": "object", "title": _("Only if, when its time comes"), "properties": _group(editor)}
    properties = {
        "id": {"type": "string", "widget": "hidden"},
        "type": _const(key),
        **_flat(line.params.values()),
        **_flat(editor.timing_line().inputs.values()),
        "only_if": only_if,
        "note": {"type": "string", "title": _("Note"), "maxLength": 500},
        "disabled": {"type": "boolean", "title": _("Switched off"), "default": False},
        EXTRA: _extra(),
    }
    return {"type": "object", "title": str(line.action.label), "properties": properties}


def _placeholder(key: str, title: str) -> Schema:
    return {"type": "object", "title": title, "properties": {key: _const(NOWHERE), EXTRA: _extra()}}


def _lost(key: str, value: str) -> Schema:
    """Return the kind of a line whose field or type is not on offer here: shown, kept, and refused on saving."""
    title = _("(not available) %(name)s") % {"name": value}
    return {"type": "object", "title": title, "properties": {key: _const(value), EXTRA: {**_extra(), "readonly": True}}}


def plain(value: Any) -> Any:
    """Return the value with lazy texts put into words, as JSON needs it."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, Promise) else value


def unreadable(text: str) -> str:
    """Say why no editor can be made of a stored draft; "" if one can."""
    try:
        check_readable(json.loads(text))
    except (ValueError, RecursionError) as error:
        return type(error).__name__
    except Unreadable as error:
        return str(error)
    return ""
