"""The catalog, from which a rule editor can be built, and the shipped rules."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from automations import recipes
from automations.engine.declare import catalog
from automations.models import Rule
from automations.tests.api.bodies import errors
from automations.tests.builders import service

pytestmark = pytest.mark.django_db


def by_key(rows):
    return {one["key"]: one for one in rows}


def test_everything_that_is_declared_is_in_the_catalog(api):
    shown = api.get("automations/catalog/").json()
    assert set(by_key(shown["triggers"])) == set(catalog.triggers)
    assert set(by_key(shown["facts"])) == set(catalog.facts)
    assert set(by_key(shown["actions"])) == set(catalog.actions)
    assert set(by_key(shown["anchors"])) == set(catalog.anchors)
    assert set(by_key(shown["references"])) == set(catalog.references)


def test_every_line_has_what_an_editor_shows(api):
    shown = api.get("automations/catalog/").json()
    for part in ("triggers", "facts", "actions"):
        for one in shown[part]:
            assert one["label"], one["key"]
            assert one["description"], one["key"]
            Draft202012Validator.check_schema(one["schema"])
            assert "example" in one
    operators = {(one["type"], one["key"]) for one in shown["operators"]}
    for fact in shown["facts"]:
        assert fact["operators"]
        assert all((fact["type"], op) in operators for op in fact["operators"]), fact["key"]


def test_a_trigger_names_its_facts_and_they_are_all_there(api):
    shown = api.get("automations/catalog/").json()
    facts = by_key(shown["facts"])
    completed = by_key(shown["triggers"])["appointment.completed"]
    assert {"patient.age", "appointment.service"} <= set(completed["facts"]) <= set(facts)
    assert "form.template" not in completed["facts"]
    assert (completed["subject"], completed["anchors"]) == ("appointment", ["appointment.starts_at"])


def test_it_can_be_narrowed_to_one_trigger(api):
    shown = api.get("automations/catalog/?trigger_event=form.signed").json()
    assert [one["key"] for one in shown["triggers"]] == ["form.signed"]
    assert [one["key"] for one in shown["facts"]] == shown["triggers"][0]["facts"]
    assert shown["schema"]["properties"]["trigger_event"] == {"enum": ["form.signed"]}


@pytest.mark.parametrize("trigger", ["appointment.eaten", "patient.left", "%C3%A4"])
def test_an_unknown_trigger_is_refused(api, trigger):
    answer = api.get(f"automations/catalog/?trigger_event={trigger}")
    assert (answer.status_code, errors(answer)) == (422, [("/trigger_event", "unknown_trigger")])


def test_the_rows_that_can_be_named_are_this_clinics(api, clinic, other_clinic):
    service(clinic, "massage")
    service(other_clinic, "yoga")
    offered = by_key(api.get("automations/catalog/").json()["references"])["service"]
    assert (offered["options"], offered["complete"]) == ([{"slug": "massage", "name": "Massage"}], True)


def test_its_schema_takes_the_shipped_rules(api):
    schema = api.get("automations/catalog/").json()["schema"]
    judge = Draft202012Validator(schema)
    for one in recipes.recipes():
        assert list(judge.iter_errors(json.loads(json.dumps(one.document)))) == [], one.slug


def test_recipes_are_listed_and_installed(api, clinic):
    before = {one["slug"]: one for one in api.get("automations/recipes/").json()["results"]}
    assert list(before) == list(recipes.slugs())
    assert (before["onboarding"]["installed"], before["onboarding"]["mode"]) == (False, None)
    made = api.post("automations/recipes/onboarding/install/", {"mode": "on"})
    assert (made.status_code, made.json()["mode"], made.json()["recipe"]) == (201, "on", "onboarding")
    again = api.post("automations/recipes/onboarding/install/")
    assert (again.status_code, again.json()) == (200, made.json())
    assert made["ETag"] == api.get("automations/rules/onboarding/")["ETag"]
    after = {one["slug"]: one for one in api.get("automations/recipes/").json()["results"]}
    assert (after["onboarding"]["installed"], after["onboarding"]["mode"]) == (True, "on")


def test_a_recipe_is_a_draft_unless_told(api):
    assert api.post("automations/recipes/onboarding/install/").json()["mode"] == "draft"


@pytest.mark.parametrize(
    ("slug", "body", "status", "found"),
    [
        ("dancing", {}, 404, [("", "not_found")]),
        ("onboarding", {"mode": "paused"}, 422, [("/mode", "invalid_choice")]),
        ("onboarding", {"slug": "x"}, 422, [("/slug", "unknown_field")]),
    ],
)
def test_what_cannot_be_installed_is_refused(api, slug, body, status, found):
    answer = api.post(f"automations/recipes/{slug}/install/", body)
    assert (answer.status_code, errors(answer)) == (status, found)
    assert not Rule.objects.exists()
