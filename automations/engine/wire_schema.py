"""Describe a rule as plain JSON Schema (2020-12), for the API and the docs, from the declarations alone.

It says what a rule looks like; whether one is valid only schema.parse_rule says (a text compares folded, an anchor
must belong to
the subject, ids are unique: no schema can). Everything that parse_rule accepts, as spec_to_json writes it, fits this
schema.
"""

from __future__ import annotations

import re
from typing import Any

from . import scalars
from .conditions import GROUP, MATCHES, MAX_CONDITIONS
from .declare import Action, Catalog, Fact, Param, Trigger
from .moments import CALENDAR_UNITS, MAX_AMOUNT, UNITS
from .nouns import MEMBER
from .operators import Operator, operators_for
from .schema import ACTION_ID, MAX_ACTIONS, MAX_HOURLY_CAP, MAX_NOTE, MAX_REENTRY_DAYS, REENTRY_MODES
from .timing_schema import DIRECTIONS, IF_LATE, OTHERWISE

Schema = dict[str, Any]

DAY: Schema = {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
TIME: Schema = {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"}
TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": scalars.MAX_TEXT}
NUMBER: Schema = {"type": "number", "minimum": -scalars.MAX_NUMBER, "maximum": scalars.MAX_NUMBER}


def wire_schema(catalog: Catalog, trigger: str | None = None) -> Schema:
    """Describe a rule's definition; for one trigger, with its facts, anchors and config only."""
    keys = [trigger] if trigger else [key for key, one in catalog.triggers.items() if not one.stop_only]
    facts = catalog.facts_for(trigger) if trigger else catalog.facts
    schema = _record(
        {
            "trigger_event": {"enum": keys},
            "trigger_config": {"type": "object"},
            "conditions": {"$ref": "#/$defs/conditions"},
            "actions": _many({"oneOf": [action_schema(one) for one in catalog.actions.values()]}, 1, MAX_ACTIONS),
            "settings": _settings(catalog),
        },
        required=("trigger_event", "actions"),
    )
    by_trigger = [
        {"if": {"properties": {"trigger_event": {"const": key}}}, "then": _configured(catalog.triggers[key])}
        for key in keys
    ]
    anchors = catalog.anchors_for(trigger) if trigger else catalog.anchors
    definitions = {
        "conditions": _group({}),
        "item": {"oneOf": [*(fact_schema(fact) for fact in facts.values()), _group({"field": {"const": GROUP}})]},
        "timing": _timing(list(anchors), list(catalog.triggers)),
    }
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**dialect, **schema, "allOf": by_trigger, "$defs": definitions}


def _configured(trigger: Trigger) -> Schema:
    """Ask for the config of a trigger, and that there is one where it needs something."""
    config = config_schema(trigger)
    needed = {"required": ["trigger_config"]} if config["required"] else {}
    return {"properties": {"trigger_config": config}, **needed}


def config_schema(trigger: Trigger) -> Schema:
    """Describe a trigger's config."""
    return _with_params({}, (), trigger.params, str(trigger.label))


def fact_schema(fact: Fact) -> Schema:
    """Describe a condition on a fact: one alternative for each kind of value its operators take."""
    by_value: dict[str, list[Operator]] = {}
    for op in operators_for(fact.type.value, fact.change).values():
        by_value.setdefault(op.takes, []).append(op)
    alternatives = [_condition(fact, takes, ops) for takes, ops in by_value.items()]
    return {"title": str(fact.label), "description": str(fact.doc), "oneOf": alternatives}


def _condition(fact: Fact, takes: str, ops: list[Operator]) -> Schema:
    own: dict[str, Schema] = {"field": _named(fact), "op": {"enum": [op.key for op in ops]}}
    required = ["field", "op"]
    if takes != "nothing":
        own["value"] = _operand(fact, takes)
        required.append("value")
    return _with_params(own, required, fact.params)


def _named(fact: Fact) -> Schema:
    """Describe the name of a fact, or of any member of a family."""
    if not fact.family:
        return {"const": fact.key}
    return {"type": "string", "pattern": f"^{re.escape(fact.key.removesuffix('*'))}{MEMBER.pattern}$"}


def _operand(fact: Fact, takes: str) -> Schema:
    member: Schema = {"enum": [value for value, _label in fact.choices]} if fact.choices else TEXT
    operands: dict[str, Schema] = {
        "number": NUMBER,
        "pair": _many(NUMBER, 2, 2),
        "text": TEXT,
        "texts": _many(TEXT),
        "members": _many(member),
        "flag": {"type": "boolean"},
        "text_or_flag": {"oneOf": [TEXT, {"type": "boolean"}]},
        "day": DAY,
        "span": _span(),
    }
    return operands[takes]


def action_schema(action: Action) -> Schema:
    """Describe one action with its parameters beside its own keys."""
    own: dict[str, Schema] = {
        "id": {"type": "string", "pattern": f"^{ACTION_ID.pattern}$"},
        "type": {"const": action.key},
        "timing": {"$ref": "#/$defs/timing"},
        "only_if": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/conditions"}]},
        "note": {"type": "string", "maxLength": MAX_NOTE},
        "disabled": {"type": "boolean"},
    }
    return _with_params(own, ("type",), action.params, str(action.label))


def param_schema(param: Param) -> Schema:
    """Describe one parameter."""
    one = _bounded(param)
    described: Schema = {"title": str(param.label), **(_many(one) if param.many else one)}
    if param.help:
        described["description"] = str(param.help)
    if param.default is not None:
        described["default"] = param.default
    return described


def _bounded(param: Param) -> Schema:
    longest = {"text": scalars.MAX_TEXT, "long_text": scalars.MAX_LONG_TEXT}
    if param.type in longest:
        return {
            "type": "string",
            "minLength": int(param.required),
            "maxLength": param.max_length or longest[param.type],
        }
    if param.type in ("integer", "number"):
        least = -scalars.MAX_NUMBER if param.minimum is None else param.minimum
        most = scalars.MAX_NUMBER if param.maximum is None else param.maximum
        return {"type": param.type, "minimum": least, "maximum": most}
    if param.type == "reference":
        words = [value for value, _label in param.choices]
        slug = {**TEXT, "description": f"The slug of a {param.reference}."}
        return {"anyOf": [{"enum": words}, slug]} if words else slug
    single: dict[str, Schema] = {
        "boolean": {"type": "boolean"},
        "choice": {"enum": [value for value, _label in param.choices]},
        "window": _span(),
        "offset": _offset(),
        "date": DAY,
        "time": TIME,
        "text_list": _many(TEXT),
    }
    return single[param.type]


def _with_params(own: dict[str, Schema], required: Any, params: tuple[Param, ...], title: str = "") -> Schema:
    needed = [*required, *(one.name for one in params if one.required and one.default is None)]
    schema = _record({**own, **{one.name: param_schema(one) for one in params}}, needed)
    return {"title": title, **schema} if title else schema


def _record(properties: dict[str, Schema], required: Any) -> Schema:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


def _many(item: Schema, least: int = 1, most: int = scalars.MAX_MEMBERS) -> Schema:
    return {"type": "array", "items": item, "minItems": least, "maxItems": most}


def _span(least: int = 1) -> Schema:
    return _record(_amount(least), ("amount", "unit"))


def _offset() -> Schema:
    most = max(scalars.MAX_OFFSET.values())
    amount: Schema = {"type": "integer", "minimum": -most, "maximum": most}
    return _record({"amount": amount, "unit": {"enum": list(CALENDAR_UNITS)}}, ("amount", "unit"))


def _amount(least: int, units: tuple[str, ...] = UNITS) -> dict[str, Schema]:
    most = max(MAX_AMOUNT[unit] for unit in units)
    return {"amount": {"type": "integer", "minimum": least, "maximum": most}, "unit": {"enum": list(units)}}


def _group(own: dict[str, Schema]) -> Schema:
    items: Schema = _many({"$ref": "#/$defs/item"}, 1 if own else 0, MAX_CONDITIONS)
    return _record({**own, "match": {"enum": list(MATCHES)}, "items": items}, [*own, "match", "items"])


def _timing(anchors: list[str], triggers: list[str]) -> Schema:
    span = ("mode", "amount", "unit")
    relative = {
        "direction": {"enum": list(DIRECTIONS)},
        "anchor": {"enum": anchors},
        "if_late": {"enum": list(IF_LATE)},
    }
    wait = {"trigger": {"enum": triggers}, "within": _span(), "otherwise": {"enum": list(OTHERWISE)}}
    modes = [
        _record({"mode": {"const": "immediately"}}, ("mode",)),
        _record({"mode": {"const": "delay"}, **_amount(0, UNITS[:2])}, span),
        _record({"mode": {"const": "delay"}, **_amount(0, CALENDAR_UNITS), "at": TIME}, span),
        _record({"mode": {"const": "relative"}, **_amount(0), **relative}, (*span, "direction", "anchor")),
        _record({"mode": {"const": "wait_for"}, **wait}, ("mode", "trigger", "within")),
    ]
    return {"oneOf": modes, "default": {"mode": "immediately"}}


def _settings(catalog: Catalog) -> Schema:
    days: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_REENTRY_DAYS}
    every = [mode for mode in REENTRY_MODES if mode != "once_per_days"]
    reentry = [
        _record({"mode": {"enum": every}}, ("mode",)),
        _record({"mode": {"const": "once_per_days"}, "days": days}, ("mode", "days")),
    ]
    cap: Schema = {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_HOURLY_CAP}
    properties: dict[str, Schema] = {
        "reentry": {"oneOf": reentry},
        "stop_on": _many({"enum": list(catalog.triggers)}, 0),
        "recheck": {"type": ["boolean", "null"]},
        "hourly_cap": cap,
    }
    return _record(properties, ())
