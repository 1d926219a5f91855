"""What may be declared, and what every declaration of a catalog must be able to do."""

import pytest

from automations.engine import declare
from automations.engine.conditions import evaluate, parse_group
from automations.engine.declare import Catalog, DuplicateDeclaration, Fact, FactType, Param, Trigger
from automations.engine.schema import parse_rule, spec_to_json
from automations.engine.values import EventFacts

from .cast import CATALOG, NEW_YORK, NOON, Completed, event, rule

STARTABLE = [key for key, one in CATALOG.triggers.items() if not one.stop_only]


def a_trigger_for(fact):
    return next(key for key in STARTABLE if fact.key in CATALOG.facts_for(key))


@pytest.mark.parametrize("key", STARTABLE)
def test_the_example_of_a_trigger_makes_a_valid_rule(key):
    trigger = CATALOG.triggers[key]
    spec = parse_rule(rule(trigger_event=key, trigger_config=dict(trigger.example)), CATALOG)
    assert parse_rule(spec_to_json(spec), CATALOG) == spec


@pytest.mark.parametrize("key", sorted(CATALOG.facts))
def test_the_example_of_a_fact_is_a_valid_condition(key):
    fact = CATALOG.facts[key]
    facts = CATALOG.facts_for(a_trigger_for(fact))
    group = parse_group({"match": "all", "items": [dict(fact.example)]}, facts)
    assert evaluate(group, EventFacts(a_trigger_for(fact), NOON, NEW_YORK, {})).result in (None, True, False)


@pytest.mark.parametrize("key", sorted(CATALOG.actions))
def test_the_example_of_an_action_is_a_valid_action(key):
    action = CATALOG.actions[key]
    (spec,) = parse_rule(rule(actions=[{"type": key, **action.example}]), CATALOG).actions
    assert action.role(spec.params)
    assert action.is_patient_message(spec.params) in (True, False)


@pytest.mark.parametrize(
    "declaration", [*CATALOG.triggers.values(), *CATALOG.facts.values(), *CATALOG.actions.values()]
)
def test_a_declaration_has_a_label_and_says_what_it_is(declaration):
    assert declaration.label
    assert declaration.doc if isinstance(declaration, Fact) else type(declaration).__doc__


def test_a_key_is_declared_once():
    catalog = Catalog()
    catalog.add(Completed())
    with pytest.raises(DuplicateDeclaration, match=r"appointment\.completed"):
        catalog.add(Completed())
    assert list(catalog.triggers) == ["appointment.completed"]


def test_what_is_no_declaration_is_refused():
    with pytest.raises(TypeError):
        Catalog().add(Param("x", "text", "X"))
    with pytest.raises(TypeError):
        Catalog().add(Trigger())


def test_register_takes_an_instance_or_decorates_a_class(monkeypatch):
    catalog = Catalog()
    monkeypatch.setattr(declare, "catalog", catalog)
    fact = Fact("patient.x", "X", FactType.number, "X.", {})
    assert declare.register(fact) is fact
    assert declare.register(Completed) is Completed
    assert (list(catalog.facts), list(catalog.triggers)) == (["patient.x"], ["appointment.completed"])


def test_a_trigger_offers_the_patients_facts_and_those_of_its_subject():
    offered = CATALOG.facts_for("form.signed")
    assert {"patient.age", "form.template"} <= set(offered)
    assert "appointment.service" not in offered
    catalog = Catalog()
    catalog.add(Completed())
    catalog.add(Fact("appointment.hours_moved", "H", FactType.number, "H.", {}, "appointment", triggers=("other",)))
    assert catalog.facts_for("appointment.completed") == {}


def test_a_fact_declared_later_is_offered_too():
    catalog = Catalog()
    catalog.add(Completed())
    assert catalog.facts_for("appointment.completed") == {}
    catalog.add(CATALOG.facts["patient.age"])
    assert list(catalog.facts_for("appointment.completed")) == ["patient.age"]


class WithParams(Trigger):
    """Takes every kind of config."""

    key = "x"
    params = (
        Param("form", "reference", "F", fact="form.template"),
        Param("first_only", "boolean", "First", fact="appointment.is_first"),
        Param("tags", "text_list", "T", fact="patient.tags"),
        Param("count", "integer", "C", fact="patient.count"),
        Param("other", "text", "O"),
    )


ACCEPTS = [
    ({}, {}, True),
    ({"form": "a", "other": "z"}, {"form.template": "a"}, True),
    ({"form": "a"}, {"form.template": "b"}, False),
    ({"form": "a"}, {}, False),
    ({"first_only": True}, {"appointment.is_first": True}, True),
    ({"first_only": True}, {"appointment.is_first": 1}, False),
    ({"first_only": True}, {"appointment.is_first": None}, False),
    ({"first_only": False}, {"appointment.is_first": True}, True),
    ({"tags": ["a", "b"]}, {"patient.tags": ["b"]}, True),
    ({"tags": ["a"]}, {"patient.tags": ["b"]}, False),
    ({"count": 1}, {"patient.count": 1.0}, True),
    ({"count": 1}, {"patient.count": True}, False),
    ({"count": 0}, {"patient.count": 3}, False),
]


@pytest.mark.parametrize(("config", "facts", "expected"), ACCEPTS)
def test_a_config_accepts_by_the_facts_its_params_name(config, facts, expected):
    assert WithParams().accepts(config, facts) is expected


def test_the_example_event_is_one():
    assert event(patient__age=3).facts == {"patient.age": 3}
