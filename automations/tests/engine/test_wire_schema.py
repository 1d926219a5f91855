"""The published schema fits every valid rule, and says no where it can."""

import json
import re

import pytest
from hypothesis import given

from automations.engine.schema import parse_rule, spec_to_json
from automations.engine.wire_schema import action_schema, config_schema, fact_schema, wire_schema

from .cast import CATALOG, line, proved, rule
from .test_schema import REFUSED
from .test_schema_hostile import RULES

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def is_type(data, name):
    return isinstance(data, TYPES[name]) and not (isinstance(data, bool) and name != "boolean")


def fits(data, schema, root):
    """Judge data by the part of JSON Schema that the engine writes; another keyword is a failure of the test."""
    known = {"title", "description", "default", "format", "$schema", "$defs"}
    return all(RULE[key](data, value, schema, root) for key, value in schema.items() if key not in known)


def _type(data, value, schema, root):
    return any(is_type(data, one) for one in ([value] if isinstance(value, str) else value))


def _properties(data, value, schema, root):
    return not isinstance(data, dict) or all(fits(data[key], one, root) for key, one in value.items() if key in data)


def _ref(data, value, schema, root):
    return fits(data, root["$defs"][value.removeprefix("#/$defs/")], root)


RULE = {
    "type": _type,
    "$ref": _ref,
    "properties": _properties,
    "enum": lambda data, value, schema, root: data in value,
    "const": lambda data, value, schema, root: data == value,
    "required": lambda data, value, schema, root: not isinstance(data, dict) or set(value) <= set(data),
    "additionalProperties": lambda data, value, schema, root: (
        value is False and (not isinstance(data, dict) or set(data) <= set(schema["properties"]))
    ),
    "items": lambda data, value, schema, root: (
        not isinstance(data, list) or all(fits(one, value, root) for one in data)
    ),
    "minItems": lambda data, value, schema, root: not isinstance(data, list) or len(data) >= value,
    "maxItems": lambda data, value, schema, root: not isinstance(data, list) or len(data) <= value,
    "minLength": lambda data, value, schema, root: not isinstance(data, str) or len(data) >= value,
    "maxLength": lambda data, value, schema, root: not isinstance(data, str) or len(data) <= value,
    "pattern": lambda data, value, schema, root: not isinstance(data, str) or bool(re.search(value, data)),
    "minimum": lambda data, value, schema, root: not is_type(data, "number") or data >= value,
    "maximum": lambda data, value, schema, root: not is_type(data, "number") or data <= value,
    "oneOf": lambda data, value, schema, root: sum(fits(data, one, root) for one in value) == 1,
    "anyOf": lambda data, value, schema, root: any(fits(data, one, root) for one in value),
    "allOf": lambda data, value, schema, root: all(fits(data, one, root) for one in value),
    "if": lambda data, value, schema, root: not fits(data, value, root) or fits(data, schema["then"], root),
    "then": lambda data, value, schema, root: True,
}

WHOLE = wire_schema(CATALOG)
NARROW = wire_schema(CATALOG, "appointment.completed")


@proved(80)
@given(RULES)
def test_every_valid_rule_fits(data):
    written = spec_to_json(parse_rule(data, CATALOG))
    assert fits(written, WHOLE, WHOLE)
    assert fits(written, NARROW, NARROW)


# What no schema can tell: numbers in order, unique ids, accents alone, another subject's anchor, a 30 February.
BEYOND = {"range", "duplicate", "blank", "text", "wrong_subject", "own_trigger", "date", "invalid", "too_deep", "type"}
TELLABLE = [(data, path) for data, path, code in REFUSED if code not in BEYOND]


@pytest.mark.parametrize(("data", "path"), TELLABLE, ids=range(len(TELLABLE)))
def test_what_the_validator_refuses_for_its_shape_does_not_fit(data, path):
    schema = NARROW if path.startswith("/conditions") else WHOLE
    assert not fits(data, schema, schema)


def test_the_schema_is_json():
    assert json.loads(json.dumps(WHOLE)) == WHOLE


@pytest.mark.parametrize("fact", CATALOG.facts.values(), ids=CATALOG.facts)
def test_the_example_of_a_fact_fits_its_schema(fact):
    example = {key: value for key, value in fact.example.items() if value is not None}
    assert fits(example, fact_schema(fact), WHOLE)
    assert not fits({**example, "field": "other"}, fact_schema(fact), WHOLE)


@pytest.mark.parametrize("action", CATALOG.actions.values(), ids=CATALOG.actions)
def test_the_example_of_an_action_fits_its_schema(action):
    assert fits({"type": action.key, **action.example}, action_schema(action), WHOLE)
    assert not fits({"type": action.key, **action.example, "surprise": 1}, action_schema(action), WHOLE)


@pytest.mark.parametrize("trigger", CATALOG.triggers.values(), ids=CATALOG.triggers)
def test_the_example_of_a_trigger_fits_its_schema(trigger):
    assert fits(dict(trigger.example), config_schema(trigger), WHOLE)
    assert not fits({**trigger.example, "surprise": 1}, config_schema(trigger), WHOLE)


def test_a_condition_of_another_subject_fits_only_the_wide_schema():
    data = rule(conditions={"match": "all", "items": [line("form.template", "is_any_of", ["x"])]})
    assert fits(data, WHOLE, WHOLE)
    assert not fits(data, NARROW, NARROW)
