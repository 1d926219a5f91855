"""Describe rules in the OpenAPI document: triggers, conditions and actions, each a component from its declaration."""

from __future__ import annotations

from typing import Any

from django.utils import translation

from automations.api.bodies import READ_ONLY
from automations.api.catalog import prose
from automations.api.fields import component
from automations.engine.declare import Catalog, catalog
from automations.engine.wire_schema import config_schema, fact_schema, wire_schema
from automations.lifecycle import NEW_MODES
from automations.models import Rule
from automations.recipes import recipes
from clinic.api.fields import A_LETTER, MADE_SLUG

Schema = dict[str, Any]
RESULT: Schema = {"type": ["boolean", "null"], "description": "null: unknown."}
SLUG: Schema = {"type": "string", "pattern": MADE_SLUG, "maxLength": 80, "description": A_LETTER}


def add_rule_components(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """Put the components of rules into the document (a postprocessing hook of drf-spectacular)."""
    with translation.override("en"):
        result.setdefault("components", {}).setdefault("schemas", {}).update(rule_components(catalog))
    return result


def rule_components(known: Catalog) -> Schema:
    """Return every component that describes rules, by name."""
    whole = wire_schema(known)
    actions = {
        f"action.{one['properties']['type']['const']}": one for one in whole["properties"]["actions"]["items"]["oneOf"]
    }
    facts = {name_of_fact(key): _of_fact(fact) for key, fact in sorted(known.facts.items())}
    group = whole["$defs"]["item"]["oneOf"][-1]
    found: Schema = {
        "Conditions": whole["$defs"]["conditions"],
        "ConditionGroup": group,
        "ConditionItem": {"oneOf": [*map(component, facts), component("ConditionGroup")]},
        "Timing": whole["$defs"]["timing"],
        "Action": {"oneOf": [component(name) for name in sorted(actions)]},
        "RuleSettings": whole["properties"]["settings"],
        "Reason": {
            "type": "object",
            "description": "Why: a code for machines and a text for people.",
            "required": ["code", "text"],
            "properties": {"code": {"type": "string"}, "text": {"type": "string"}},
        },
        "Verdict": _verdict({}),
        "VerdictItem": {"oneOf": [_verdict_line(), _verdict({"field": {"const": "group"}})]},
        **{
            f"trigger.{key}": _of_trigger(known, key)
            for key, one in sorted(known.triggers.items())
            if not one.stop_only
        },
        **facts,
        **{name: _of_action(known, one) for name, one in sorted(actions.items())},
    }
    found["RuleWrite"] = _rule(whole, ("name", "trigger_event", "actions"), list(NEW_MODES))
    found["RuleEdit"] = _rule(whole, (), list(Rule.Mode.values))
    return {name: _at_home(one) for name, one in found.items()}


def name_of_fact(key: str) -> str:
    """Name a fact's component; that of a family ("event.*") ends in a dash, for a star may not stand there."""
    return f"fact.{key.replace('*', '-')}"


HOMES = {"conditions": "Conditions", "item": "ConditionItem", "timing": "Timing"}


def _at_home(part: Any) -> Any:
    """Point references into the document's components."""
    if isinstance(part, list):
        return [_at_home(one) for one in part]
    if not isinstance(part, dict):
        return part
    where = part.get("$ref")
    if isinstance(where, str) and where.startswith("#/$defs/"):
        return component(HOMES[where.removeprefix("#/$defs/")])
    return {key: _at_home(value) for key, value in part.items()}


def _of_trigger(known: Catalog, key: str) -> Schema:
    declared = known.triggers[key]
    return {**config_schema(declared), "description": prose(declared), "examples": [dict(declared.example)]}


def _of_fact(fact: Any) -> Schema:
    return {**fact_schema(fact), "examples": [dict(fact.example)]}


def _of_action(known: Catalog, schema: Schema) -> Schema:
    declared = known.actions[schema["properties"]["type"]["const"]]
    example = {"type": declared.key, **declared.example}
    return {**schema, "description": prose(declared), "examples": [example]}


def _rule(whole: Schema, required: tuple[str, ...], modes: list[str]) -> Schema:
    own: Schema = {
        "slug": SLUG,
        "name": {"type": "string", "minLength": 1, "maxLength": 200},
        "description": {"type": "string", "maxLength": 5_000},
        "mode": {"enum": modes},
        "trigger_event": whole["properties"]["trigger_event"],
        "trigger_config": {"type": "object", "description": "What the trigger asks for: its component `trigger.…`."},
        "conditions": component("Conditions"),
        "actions": {"type": "array", "items": component("Action"), "minItems": 1, "maxItems": 30},
        "settings": component("RuleSettings"),
        **{name: {"description": "Read-only: what is sent is not looked at."} for name in READ_ONLY},
    }
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": own}
    return {**schema, "required": list(required)} if required else schema


def _verdict(own: Schema) -> Schema:
    properties = {
        **own,
        "match": {"enum": ["all", "any", "none"]},
        "result": RESULT,
        "items": {"type": "array", "items": component("VerdictItem")},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def _verdict_line() -> Schema:
    properties = {
        "field": {"type": "string", "not": {"const": "group"}},
        "op": {"type": "string"},
        "value": {"description": "What the rule compares with."},
        "actual": {"description": "What was there; null: unknown."},
        "result": RESULT,
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def rule_examples() -> dict[str, Schema]:
    """Return the shipped rules as bodies to create them with, in the order in which they are shipped."""
    return {one.slug: {"name": one.name, "description": one.description, **one.document} for one in recipes()}
