"""All that a rule can be made of, as JSON that a rule editor is built on; every line comes from a declaration."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps

from automations.engine.declare import Action, Catalog, Fact, FactType, Param, Trigger, catalog
from automations.engine.operators import asked_type, operators_for
from automations.engine.wire_schema import action_schema, config_schema, fact_schema, param_schema, wire_schema
from automations.wording import operator_label

Json = dict[str, Any]
MAX_OPTIONS = 500
"""Rows of one kind that the catalog lists; a clinic with more asks the kind's own list."""


def catalog_json(clinic: Any, trigger: str | None = None, known: Catalog = catalog) -> Json:
    """Describe the catalog; with a trigger, only what a rule that starts from it may use. One query a kind of row."""
    facts = known.facts_for(trigger) if trigger else known.facts
    anchors = known.anchors_for(trigger) if trigger else known.anchors
    shown = [known.triggers[trigger]] if trigger else list(known.triggers.values())
    schema = wire_schema(known, trigger)
    return {
        "triggers": [_trigger(one, known) for one in sorted(shown, key=lambda one: one.key)],
        "facts": [_fact(facts[key]) for key in sorted(facts)],
        "operators": _operators(facts.values()),
        "actions": [_action(known.actions[key], schema) for key in sorted(known.actions)],
        "anchors": [
            {"key": one.key, "label": str(one.label), "subject": one.subject, "begins": one.begins}
            for one in anchors.values()
        ],
        "subjects": [{"key": one.kind, "label": str(one.label)} for one in known.subjects.values()],
        "references": [_reference(kind, clinic, known) for kind in sorted(known.references)],
        "schema": schema,
    }


def prose(declaration: Any) -> str:
    """Return a declaration's docstring as one paragraph."""
    return " ".join((inspect.getdoc(type(declaration)) or "").split())


def _trigger(trigger: Trigger, known: Catalog) -> Json:
    return {
        "key": trigger.key,
        "label": str(trigger.label),
        "description": prose(trigger),
        "subject": trigger.subject,
        "stop_only": trigger.stop_only,
        "params": _params(trigger.params),
        "facts": sorted(known.facts_for(trigger.key)),
        "anchors": sorted(known.anchors_for(trigger.key)),
        "stop_on": list(trigger.stop_on),
        "example": dict(trigger.example),
        "schema": config_schema(trigger),
    }


def _fact(fact: Fact) -> Json:
    return {
        "key": fact.key,
        "label": str(fact.label),
        "description": str(fact.doc),
        "type": fact.type.value,
        "subject": fact.subject,
        "sensitive": fact.sensitive,
        "family": fact.family,
        "operators": list(operators_for(fact.type.value, fact.change)),
        "choices": _choices(fact.choices),
        "reference": fact.reference,
        "params": _params(fact.params),
        "example": dict(fact.example),
        "schema": fact_schema(fact),
    }


def _action(action: Action, schema: Json) -> Json:
    named = {
        "timing": schema["$defs"]["timing"],
        "conditions": {"type": "object", "description": "A condition tree, as in `schema`."},
    }
    return {
        "key": action.key,
        "label": str(action.label),
        "description": prose(action),
        "message": action.message,
        "params": _params(action.params),
        "example": dict(action.example),
        "schema": {**action_schema(action), "$defs": named},
    }


def _params(params: Iterable[Param]) -> list[Json]:
    return [
        {
            "name": one.name,
            "label": str(one.label),
            "help": str(one.help),
            "type": one.type,
            "required": one.required and one.default is None,
            "many": one.many,
            "default": one.default,
            "choices": _choices(one.choices),
            "reference": one.reference,
            "schema": param_schema(one),
        }
        for one in params
    ]


def _choices(choices: Iterable[tuple[str, Any]]) -> list[Json]:
    return [{"value": value, "label": str(label)} for value, label in choices]


def _operators(facts: Iterable[Fact]) -> list[Json]:
    """List each operator once a fact type: what it is called there and what kind of value it takes."""
    kinds: Mapping[FactType, bool] = _types_of(facts)
    return [
        {
            "key": key,
            "type": kind.value,
            "label": operator_label(kind.value, key),
            "takes": op.takes,
            "compares_as": asked_type(kind.value, key),
            "change": op.change,
        }
        for kind, change in kinds.items()
        for key, op in operators_for(kind.value, change).items()
    ]


def _types_of(facts: Iterable[Fact]) -> dict[FactType, bool]:
    """Return the types that these facts have, and whether one of each knows its old value."""
    found: dict[FactType, bool] = {}
    for fact in facts:
        found[fact.type] = found.get(fact.type, False) or fact.change
    return {kind: found[kind] for kind in FactType if kind in found}


def _reference(kind: str, clinic: Any, known: Catalog) -> Json:
    declared = known.references[kind]
    manager = apps.get_model(declared.model)._default_manager
    rows = manager.filter(clinic_id=clinic.pk, **declared.active).order_by("slug")[: MAX_OPTIONS + 1]
    options = [{"slug": row.slug, "name": str(row)} for row in rows]
    return {
        "key": kind,
        "label": str(declared.label),
        "options": options[:MAX_OPTIONS],
        "complete": len(options) <= MAX_OPTIONS,
    }
