"""The index finds exactly the rules that asking each one would find."""

import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations.engine.conditions import evaluate, parse_group
from automations.engine.index import RuleIndex
from automations.engine.schema import parse_rule
from automations.engine.values import Condition, Group, RuleSpec

from .cast import CATALOG, line, proved, rule
from .cast import event as happened
from .strategies import events, group_json

FACTS = {key: CATALOG.facts_for(key) for key in CATALOG.triggers}
FIELDS = ["appointment.service", "patient.city", "patient.age", "patient.sex"]


def spec(conditions, trigger="appointment.completed", config=None):
    return RuleSpec(trigger, config or {}, parse_group(conditions, FACTS[trigger]), ())


def one_by_one(rules, event):
    matched = []
    for rule_id, one in rules:
        wants = one.trigger == event.trigger and CATALOG.triggers[one.trigger].accepts(one.trigger_config, event.facts)
        if wants and evaluate(one.conditions, event).result is True:
            matched.append(rule_id)
    return matched


TRIGGERS = st.sampled_from(["appointment.completed", "form.signed"])


@st.composite
def specs(draw):
    trigger = draw(TRIGGERS)
    config = draw(st.sampled_from([{}, {"form": "a"}, {"form": "b"}])) if trigger == "form.signed" else {}
    conditions = draw(group_json(FACTS[trigger]))
    if draw(st.booleans()):
        conditions = {"match": "all", "items": [*draw(equalities(trigger)), *conditions["items"]]}
    return spec(conditions, trigger, config)


def equalities(trigger):
    slugs = st.lists(st.sampled_from("abcd"), min_size=1, max_size=3)
    field = "appointment.service" if trigger == "appointment.completed" else "form.template"
    one = st.builds(lambda value: line(field, "is_any_of", value), slugs)
    two = st.builds(lambda value: line("patient.city", "is", value), st.sampled_from(["Cluj", "CLÚJ", "x"]))
    return st.lists(st.one_of(one, two), min_size=1, max_size=2)


@proved(40, 1_000)
@given(st.lists(specs(), max_size=12), TRIGGERS.flatmap(events))
def test_the_index_finds_what_asking_each_rule_finds(some, event):
    rules = [(f"r{number}", one) for number, one in enumerate(some)]
    result = RuleIndex(rules, CATALOG).match(event)
    assert result.matched == one_by_one(rules, event)
    assert result.errors == []


@proved(40, 1_000)
@given(st.lists(specs(), min_size=1, max_size=8), st.lists(TRIGGERS.flatmap(events), min_size=2, max_size=5))
def test_one_index_serves_many_events(some, many):
    rules = list(enumerate(some))
    index = RuleIndex(rules, CATALOG)
    for event in many:
        assert index.match(event).matched == one_by_one(rules, event)


def test_many_thresholds_on_one_number_are_told_apart():
    ops = ("eq", "ne", "lt", "lte", "gt", "gte")
    rules = [
        ((op, value), spec({"match": "all", "items": [line("patient.age", op, value)]}))
        for op in ops
        for value in (*range(40), 7.5, 12.25)
    ]
    index = RuleIndex(rules, CATALOG)
    for actual in (-1, 0, 7, 7.5, 7.6, 12, 39, 40, 1e15, None, True, "7", float("nan")):
        event = happened(patient__age=actual)
        assert index.match(event).matched == one_by_one(rules, event)


def test_many_conditions_on_one_list_are_told_apart():
    named = ["a"], ["b"], ["a", "b"], ["c", "d"]
    asked = [(op, value) for op in ("has_any_of", "has_all_of", "has_none_of") for value in named]
    asked += [("is_empty", None), ("is_not_empty", None)]
    rules = [(one, spec({"match": "all", "items": [line("patient.tags", *one)]})) for one in asked]
    index = RuleIndex(rules, CATALOG)
    for actual in ([], ["a"], ["b", "a"], ["x"], ["c", "x", "c"], ["a", "b", "c", "d"], None, "a", ["a", 1], True):
        event = happened(patient__tags=actual)
        assert index.match(event).matched == one_by_one(rules, event)


def test_one_fact_asked_for_several_types_is_several_predicates():
    asked = [
        ("is", "7"),
        ("is", True),
        ("is", False),
        ("eq", 7),
        ("lt", 8),
        ("is_any_of", ["7", "left"]),
        ("is_any_of", ["LEFT"]),
        ("is", "LEFT"),
        ("is_none_of", ["left"]),
        ("on", "2026-11-24"),
        ("has_any_of", ["left"]),
        ("is_empty", None),
        ("is_not_empty", None),
    ]
    single = [(one, spec({"match": "all", "items": [line("patient.answer", *one)]})) for one in asked]
    none = [((*one, "not"), spec({"match": "none", "items": [line("patient.answer", *one)]})) for one in asked]
    rules = [*single, *none]
    index = RuleIndex(rules, CATALOG)
    for actual in (7, "7", True, 1, "left", "Left", "2026-11-24", ["left"], [], "", {}, [1], None, 1e305):
        event = happened(patient__answer=actual)
        result = index.match(event)
        assert (result.matched, result.errors) == (one_by_one(rules, event), [])


def test_a_config_by_fact_takes_only_its_own():
    anything = {"match": "all", "items": []}
    rules = [
        ("any", spec(anything, "form.signed")),
        ("consent", spec(anything, "form.signed", {"form": "consent"})),
        ("survey", spec(anything, "form.signed", {"form": "survey"})),
    ]
    index = RuleIndex(rules, CATALOG)
    assert index.match(happened("form.signed", form__template="consent")).matched == ["any", "consent"]
    assert index.match(happened("form.signed", form__template=None)).matched == ["any"]


def test_a_config_that_the_trigger_judges_itself_is_asked_once_for_equal_configs(monkeypatch):
    asked = []
    trigger = CATALOG.triggers["treatment.adherence_dropped"]
    original = type(trigger).accepts
    monkeypatch.setattr(
        type(trigger), "accepts", lambda self, config, facts: asked.append(config) or original(self, config, facts)
    )
    anything = {"match": "all", "items": []}
    rules = [
        (number, spec(anything, "treatment.adherence_dropped", {"below_percent": 50 + number % 2 * 20}))
        for number in range(10)
    ]
    index = RuleIndex(rules, CATALOG)
    result = index.match(happened("treatment.adherence_dropped", treatment__adherence=60))
    assert result.matched == [1, 3, 5, 7, 9]
    assert len(asked) == 2


POISON = [
    Condition("patient.age", "grows", 3, {}, "patient.age", "number"),
    Condition("patient.age", "gte", "many", {}, "patient.age", "number"),
    Condition("patient.age", "between", 3, {}, "patient.age", "number"),
    Condition("patient.last_appointment_at", "in_last", "?", {}, "patient.last_appointment_at", "date"),
    Condition("patient.age", "eq", 1, {}, "patient.age", "no-such-type"),
    Condition("patient.age", "eq", object(), {}, "patient.age", "number"),
]


@pytest.mark.parametrize("poison", POISON)
def test_a_rule_that_cannot_be_asked_is_reported_and_the_others_go_on(poison):
    good = spec({"match": "all", "items": [line("patient.age", "gte", 60)]})
    bad = RuleSpec("appointment.completed", {}, Group("all", (poison,)), ())
    index = RuleIndex([("first", good), ("bad", bad), ("last", good)], CATALOG)
    result = index.match(happened(patient__age=65, patient__last_appointment_at="2026-11-20"))
    assert result.matched == ["first", "last"]
    assert [rule_id for rule_id, _message in result.errors] == ["bad"]
    assert result.errors[0][1]


def test_hand_made_nonsense_is_reported_and_the_others_go_on():
    deep = Group("any", ())
    for _level in range(5_000):
        deep = Group("any", (deep,))
    good = spec({"match": "all", "items": []})
    bad = [
        RuleSpec("appointment.completed", {}, deep, ()),
        RuleSpec("appointment.completed", {}, Group("some", (good.conditions,)), ()),
    ]
    index = RuleIndex([("good", good), *enumerate(bad)], CATALOG)
    result = index.match(happened())
    assert result.matched == ["good"]
    assert [rule_id for rule_id, _message in result.errors] == [0, 1]


def test_a_trigger_whose_own_code_fails_is_reported_for_the_rules_that_asked_it():
    anything = {"match": "all", "items": []}
    rules = [("x", spec(anything, "treatment.adherence_dropped", {"below_percent": 50}))]
    result = RuleIndex(rules, CATALOG).match(happened("treatment.adherence_dropped", treatment__adherence="boom"))
    assert (result.matched, result.errors) == ([], [("x", "RuntimeError: no such week")])


def test_a_rule_of_a_trigger_that_is_gone_is_reported():
    rules = [("x", RuleSpec("appointment.vanished", {}, Group(), ()))]
    result = RuleIndex(rules, CATALOG).match(happened("appointment.vanished"))
    assert [rule_id for rule_id, _message in result.errors] == ["x"]


def test_a_rule_without_conditions_matches_every_event_of_its_trigger():
    index = RuleIndex([("x", parse_rule(rule(), CATALOG))], CATALOG)
    assert index.match(happened()).matched == ["x"]
    assert index.match(happened("appointment.cancelled")).matched == []


def test_thousands_of_rules_under_one_equality_are_all_found_when_they_all_match():
    rules = [
        (number, spec({"match": "all", "items": [line("appointment.service", "is_any_of", ["a"])]}))
        for number in range(3_000)
    ]
    event = happened(appointment__service="a")
    assert RuleIndex(rules, CATALOG).match(event).matched == list(range(3_000))


def test_matching_does_not_change_the_facts():
    event = happened(patient__age=65)
    frozen = type(event)(event.trigger, event.occurred_at, event.zone, MappingProxyType(dict(event.facts)))
    index = RuleIndex(
        [("x", spec({"match": "all", "items": [line(field, "is_empty", None) for field in FIELDS]}))], CATALOG
    )
    before = json.dumps(dict(frozen.facts))
    index.match(frozen)
    assert json.dumps(dict(frozen.facts)) == before
