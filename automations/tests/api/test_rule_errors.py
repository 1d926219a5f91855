"""What is wrong with a rule is said all at once, each thing at its place, and nothing is stored."""

from __future__ import annotations

import pytest
from django.db import connection

from automations.models import Rule
from automations.tests.api.bodies import errors, rule_body
from automations.tests.builders import published

pytestmark = pytest.mark.django_db
RULES = "automations/rules/"
AGE = {"field": "patient.age", "op": "gte", "value": 65}


def inside(*items, match="all"):
    return {"match": match, "items": list(items)}


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"name": None}, "/name", "type"),
        ({"name": " "}, "/name", "invalid"),
        ({"name": "x" * 201}, "/name", "invalid"),
        ({"slug": "Not a slug"}, "/slug", "slug"),
        ({"slug": 5}, "/slug", "type"),
        ({"description": "x" * 5_001}, "/description", "too_long"),
        ({"mode": "paused"}, "/mode", "invalid_choice"),
        ({"triger_event": "appointment.completed"}, "/triger_event", "unknown_key"),
        ({"trigger_event": "appointment.eaten"}, "/trigger_event", "unknown_trigger"),
        ({"trigger_event": None}, "/trigger_event", "unknown_trigger"),
        ({"trigger_config": {"first": True}}, "/trigger_config/first", "unknown_key"),
        ({"trigger_config": []}, "/trigger_config", "type"),
        ({"conditions": None}, "/conditions", "type"),
        ({"conditions": inside({**AGE, "field": "patient.agee"})}, "/conditions/items/0/field", "unknown_field"),
        ({"conditions": inside(AGE, {**AGE, "op": "over"})}, "/conditions/items/1/op", "unknown_operator"),
        ({"conditions": inside({**AGE, "value": "65"})}, "/conditions/items/0/value", "type"),
        (
            {"conditions": inside({"field": "group", **inside(AGE, {**AGE, "value": None})})},
            "/conditions/items/0/items/1/value",
            "type",
        ),
        ({"conditions": inside({"field": "group", **inside()})}, "/conditions/items/0/items", "empty_group"),
        (
            {"conditions": inside({"field": "appointment.service", "op": "is_any_of", "value": ["massage"]})},
            "/conditions/items/0/value/0",
            "unknown_reference",
        ),
        ({"actions": []}, "/actions", "required"),
        ({"actions": [{"type": "dance"}]}, "/actions/0/type", "unknown_action"),
        ({"actions": [{"type": "jot"}]}, "/actions/0/title", "required"),
        (
            {"actions": [{"type": "jot", "title": "Call", "timing": {"mode": "delay", "amount": -1, "unit": "days"}}]},
            "/actions/0/timing/amount",
            "range",
        ),
        (
            {"actions": [{"type": "jot", "title": "Call", "only_if": inside({**AGE, "op": "near"})}]},
            "/actions/0/only_if/items/0/op",
            "unknown_operator",
        ),
        (
            {"actions": [{"type": "jot", "title": "A", "id": "x"}, {"type": "jot", "title": "B", "id": "x"}]},
            "/actions/1/id",
            "duplicate",
        ),
        ({"settings": {"reentry": {"mode": "once_per_days"}}}, "/settings/reentry/days", "type"),
        ({"settings": {"stop_on": ["appointment.eaten"]}}, "/settings/stop_on/0", "unknown_trigger"),
    ],
)
def test_each_place_is_named(api, change, path, code):
    answer = api.post(RULES, {**rule_body(), **change})
    assert (answer.status_code, errors(answer)) == (422, [(path, code)])
    assert not Rule.objects.exists()


def test_a_draft_keeps_what_it_was_when_an_edit_is_refused(api, clinic):
    rule = published(clinic)
    read = api.get(f"{RULES}rule/")
    answer = api.patch(f"{RULES}rule/", {"conditions": inside({**AGE, "op": "over"})}, **{"If-Match": read["ETag"]})
    assert (answer.status_code, errors(answer)) == (422, [("/conditions/items/0/op", "unknown_operator")])
    after = api.get(f"{RULES}rule/")
    assert (after.json(), after["ETag"], rule.edits) == (read.json(), read["ETag"], 0)


def test_everything_is_said_at_once(api):
    body = {
        "nam": "x",
        "mode": 3,
        "trigger_event": "appointment.completed",
        "conditions": {"match": "most"},
        "actions": 5,
    }
    assert errors(api.post(RULES, body)) == [
        ("/nam", "unknown_key"),
        ("/mode", "type"),
        ("/name", "required"),
        ("/conditions/match", "choice"),
        ("/conditions/items", "type"),
        ("/actions", "required"),
    ]
    assert not Rule.objects.exists()


@pytest.mark.parametrize("body", ["[]", "5", '"rule"', "null"])
def test_a_body_that_is_no_object_is_422(api, body):
    answer = api.post(RULES, body)
    assert (answer.status_code, errors(answer)) == (422, [("", "type")])


@pytest.mark.parametrize(
    ("body", "code"), [("{", "not_json"), ('{"a": NaN}', "not_json"), ("[" * 60 + "]" * 60, "too_deep")]
)
def test_what_cannot_be_read_is_400(api, body, code):
    answer = api.post(RULES, body)
    assert (answer.status_code, errors(answer)) == (400, [("", code)])


def test_a_slug_is_taken_once(api, clinic):
    published(clinic, name="Call")
    answer = api.post(RULES, rule_body("Other", slug="call"))
    assert (answer.status_code, errors(answer)) == (422, [("/slug", "taken")])
    assert api.post(RULES, rule_body("Call")).json()["slug"] == "call-2"


@pytest.mark.parametrize(
    ("verb", "body", "path", "code"),
    [
        ("publish/", {"mode": "draft"}, "/mode", "invalid_choice"),
        ("publish/", {"apply_to_pending": "yes"}, "/apply_to_pending", "invalid"),
        ("publish/", {"now": True}, "/now", "unknown_field"),
        ("pause/", {"why": 5}, "/why", "invalid"),
        ("pause/", {"why": "x" * 501}, "/why", "max_length"),
        ("resume/", {"overdue": "maybe"}, "/overdue", "invalid_choice"),
        ("resume/", {"mode": "draft"}, "/mode", "invalid_choice"),
        ("dry-run/", {}, "/patient", "required"),
        ("dry-run/", {"patient": 5}, "/patient", "type"),
        ("dry-run/", {"patient": "999"}, "/patient", "not_found"),
        ("dry-run/", {"patient": {"external_id": "nobody"}}, "/patient", "not_found"),
        ("dry-run/", {"patient": {"external_id": "A-17"}, "subject": "x"}, "/subject", "not_found"),
        ("dry-run/", {"patient": {"external_id": "A-17"}, "subject": {"kind": "x"}}, "/subject", "type"),
        ("dry-run/", {"patient": {"external_id": "A-17"}, "at": "2026-11-24T10:00:00"}, "/at", "moment"),
        ("backtest/", {"days": 0}, "/days", "min_value"),
        ("backtest/", {"days": 367}, "/days", "max_value"),
        ("backtest/", {"days": "30"}, "/days", "invalid"),
    ],
)
def test_verbs_refuse_what_they_do_not_know(api, clinic, patient, verb, body, path, code):
    published(clinic)
    before = api.get(f"{RULES}rule/").json()
    answer = api.post(f"{RULES}rule/{verb}", body)
    assert (answer.status_code, errors(answer)) == (422, [(path, code)])
    assert api.get(f"{RULES}rule/").json() == before


@pytest.mark.parametrize(
    ("query", "path", "code"),
    [
        ("?mode=sleeping", "/mode", "filter"),
        ("?enabled=yes", "/enabled", "filter"),
        ("?colour=red", "/colour", "unknown_parameter"),
        ("?limit=201", "/limit", "limit"),
        ("?ordering=name", "/ordering", "ordering"),
        ("?cursor=abc", "/cursor", "cursor"),
    ],
)
def test_a_wrong_question_is_422(api, query, path, code):
    answer = api.get(RULES + query)
    assert (answer.status_code, errors(answer)) == (422, [(path, code)])


@pytest.mark.parametrize(
    "draft",
    ['{"trigger_event": "appointment.eaten", "actions": []}', '{"conditions": {"match": 5}}', "[1]", "{}", '"x"'],
)
def test_a_draft_that_is_no_rule_is_shown_with_what_is_wrong_and_can_be_mended(api, clinic, draft):
    rule = published(clinic)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE automations_rule SET draft = %s::jsonb WHERE id = %s", [draft, rule.pk])
    read = api.get(f"{RULES}rule/")
    assert (read.status_code, read.json()["sentence"], bool(read.json()["broken"])) == (200, "", True)
    assert api.get(RULES).json()["results"] == [read.json()]
    assert api.get(f"{RULES}rule/sentence/").json()["broken"] == read.json()["broken"]
    assert api.post(f"{RULES}rule/publish/").status_code == 422
    mended = api.patch(f"{RULES}rule/", rule_body(), **{"If-Match": read["ETag"]})
    assert (mended.status_code, mended.json()["broken"]) == (200, None)
