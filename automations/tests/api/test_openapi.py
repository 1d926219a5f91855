"""Rules in the OpenAPI document: from the declarations, with examples that work."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from automations import recipes, ticking
from automations.api.openapi import name_of_fact, rule_examples
from automations.engine.declare import catalog
from automations.tests.api.bodies import rule_body
from automations.tests.builders import move, published, visit
from clinic.api.docs import document
from clinic.provisioning import provide

pytestmark = pytest.mark.django_db


def judge(name):
    """Return the validator of a component, which finds the others."""
    drawn = document()
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": drawn["components"]})


def problems(name, value):
    return [error.message for error in judge(name).iter_errors(json.loads(json.dumps(value)))]


def test_every_declaration_is_a_component():
    names = set(document()["components"]["schemas"])
    assert {f"trigger.{key}" for key, one in catalog.triggers.items() if not one.stop_only} <= names
    assert {name_of_fact(key) for key in catalog.facts} <= names
    assert {f"action.{key}" for key in catalog.actions} <= names


@pytest.mark.parametrize("prefix", ["trigger", "fact", "action"])
def test_every_example_of_a_component_is_valid_there(prefix):
    schemas = document()["components"]["schemas"]
    mine = {name: one for name, one in schemas.items() if name.startswith(f"{prefix}.")}
    assert mine
    for name, one in mine.items():
        assert [problems(name, example) for example in one["examples"]] == [[]], name


@pytest.mark.parametrize("slug", list(rule_examples()))
def test_every_example_of_a_rule_is_made_by_posting_it(api, clinic, slug):
    for kind, specs in recipes.recipe(slug).needs.items():
        for spec in specs:
            provide(kind, clinic, spec)
    body = rule_examples()[slug]
    assert problems("RuleWrite", body) == []
    answer = api.post("automations/rules/", {**body, "mode": "on"})
    assert answer.status_code == 201, answer.content
    assert problems("Rule", answer.json()) == []
    assert problems("RuleEdit", {key: answer.json()[key] for key in body}) == []


def test_the_examples_stand_at_the_operation():
    shown = document()["paths"]["/api/v1/automations/rules/"]["post"]["requestBody"]["content"]["application/json"]
    assert {one["summary"] for one in shown["examples"].values()} == {one["name"] for one in rule_examples().values()}


@pytest.mark.parametrize(
    "change",
    [{"trigger_event": "appointment.eaten"}, {"actions": []}, {"colour": "red"}, {"actions": [{"type": "dance"}]}],
)
def test_the_schema_refuses_what_the_engine_refuses(api, change):
    body = {**rule_body(), **change}
    body["actions"] = change.get("actions", [{"type": "create_task", "title": "Call", "assign_to": "front_desk"}])
    assert problems("RuleWrite", body) != []
    assert api.post("automations/rules/", body).status_code == 422


def test_answers_are_those_that_are_described(api, clinic, patient):
    task = {"type": "create_task", "title": "Call", "assign_to": "front_desk"}
    published(
        clinic,
        "appointment.completed",
        task,
        conditions={
            "match": "any",
            "items": [
                {"field": "patient.age", "op": "gte", "value": 65},
                {"field": "group", "match": "none", "items": [{"field": "patient.city", "op": "is", "value": "Cluj"}]},
            ],
        },
    )
    visit_ = move(visit(patient), status="completed")
    ticking.drain_all()
    for name, path in {
        "PaginatedRuleList": "automations/rules/",
        "Sentence": "automations/rules/rule/sentence/",
        "PaginatedVersionList": "automations/rules/rule/versions/",
        "PaginatedEventList": "automations/events/",
        "PaginatedRunList": "automations/runs/",
        "PaginatedStepList": "automations/steps/",
        "PaginatedRecipeList": "automations/recipes/",
        "Catalog": "automations/catalog/",
        "Explanation": f"automations/explain/?rule=rule&patient={patient.pk}",
        "Timeline": f"patients/{patient.pk}/timeline/",
        "Upcoming": f"patients/{patient.pk}/upcoming/",
        "Stats": "automations/stats/",
    }.items():
        answer = api.get(path)
        assert answer.status_code == 200, path
        assert problems(name, answer.json()) == [], path
    tried = api.post("automations/rules/rule/dry-run/", {"patient": str(patient.pk), "subject": str(visit_.pk)})
    assert problems("DryRun", tried.json()) == []
    assert problems("Backtest", api.post("automations/rules/rule/backtest/").json()) == []
