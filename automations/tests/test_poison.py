"""Rules whose stored wording nobody could have built: each is set aside with its reason, and all others go on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import DataError, connection, transaction

from automations import compiled, lifecycle, ticking
from automations.models import Event, Rule, RuleVersion, Run, Step
from automations.tests.builders import document, move, published, states, titles, visit

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = {"match": "all", "items": []}
DEEP = '{"match": "all", "items": [{"field": "group", "match": "all", "items": [' * 250
DEEP = DEEP + "]}]}" * 250  # four levels of JSON each
HUGE = json.dumps({"match": "all", "items": [{"field": "patient.city", "op": "is", "value": "x" * 10_000_000}]})


def condition(**line: Any) -> str:
    return json.dumps({"match": "all", "items": [line]})


def actions(*lines: Any) -> str:
    return json.dumps(lines)


POISON = {
    "conditions are a text": ("conditions", '"all"', "/conditions: Write an object"),
    "conditions are a list": ("conditions", "[]", "/conditions: Write an object"),
    "conditions are null": ("conditions", "null", "/conditions: Write an object"),
    "items are an object": ("conditions", '{"match": "all", "items": {"a": 1}}', "/conditions/items: Write the list"),
    "an item is a number": ("conditions", '{"match": "all", "items": [7]}', "/conditions/items/0: Write a condition"),
    "match is unknown": ("conditions", '{"match": "most", "items": []}', "/conditions/match: Choose one of"),
    "a field is unknown": (
        "conditions",
        condition(field="patient.iq", op="gt", value=1),
        "/conditions/items/0/field: ",
    ),
    "a field is a list": (
        "conditions",
        condition(field=["patient.age"], op="gt", value=1),
        "/conditions/items/0/field",
    ),
    "an operator is unknown": ("conditions", condition(field="patient.age", op="~", value=1), "/conditions/items/0/op"),
    "a number is a text": (
        "conditions",
        condition(field="patient.age", op="gt", value="1"),
        "/conditions/items/0/value",
    ),
    "a number is endless": (
        "conditions",
        '{"match": "all", "items": [{"field": "patient.age", "op": "gt", "value": 1e999}]}',
        "/conditions/items/0/value: Write a number",
    ),
    "a number is too long to read": (
        "conditions",
        '{"match": "all", "items": [{"field": "patient.age", "op": "gt", "value": 1' + "0" * 5000 + "}]}",
        "The stored conditions cannot be read: ValueError.",
    ),
    "a value has ten megabytes": ("conditions", HUGE, "The stored conditions is 10000"),
    "a thousand levels": ("conditions", DEEP, ""),
    "ten thousand lists": ("conditions", "[" * 5000 + "]" * 5000, ""),
    "actions are an object": ("actions", '{"type": "jot"}', "/actions: Write a list"),
    "there is no action": ("actions", "[]", "/actions: Write a list"),
    "an action is a text": ("actions", actions("jot"), "/actions/0: "),
    "an action is unknown": ("actions", actions({"type": "levitate", "title": "x", "id": "a1"}), "/actions/0/type: "),
    "an action's type is a list": ("actions", actions({"type": ["jot"], "title": "x"}), "/actions/0/type: "),
    "an action's id is an object": ("actions", actions({"type": "jot", "title": "x", "id": {}}), "/actions/0/id: "),
    "two actions share an id": (
        "actions",
        actions({"type": "jot", "title": "x", "id": "a1"}, {"type": "jot", "title": "y", "id": "a1"}),
        "/actions/1/id: ",
    ),
    "a timing is a number": ("actions", actions({"type": "jot", "title": "x", "timing": 5}), "/actions/0/timing: "),
    "a timing has no unit": (
        "actions",
        actions({"type": "jot", "title": "x", "timing": {"mode": "delay", "amount": 5}}),
        "/actions/0/timing/unit: ",
    ),
    "settings are a list": ("settings", "[1, 2]", "/settings: "),
    "stop_on is a number": ("settings", '{"stop_on": 3}', "/settings/stop_on: "),
    "the trigger's settings are a text": ("trigger_config", '"first"', "/trigger_config: "),
}


def poison(rule: Rule, part: str, text: str) -> None:
    """Write something into the rule's published version that no service would."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE automations_ruleversion SET {part} = %s::jsonb WHERE id = %s", [text, rule.published_id]
        )
    compiled.forget()


def heal(rule: Rule) -> Rule:
    return lifecycle.publish(lifecycle.edit_draft(rule, document=document("appointment.completed")))


@pytest.mark.parametrize(("part", "text", "reason"), POISON.values(), ids=POISON)
def test_a_poison_rule_is_quarantined_with_its_reason_and_the_others_go_on(clinic, patient, part, text, reason):
    bad = published(clinic, name="Bad", conditions=GOOD)
    good = published(clinic, "appointment.completed", {"type": "jot", "title": "Good"}, name="Good")
    poison(bad, part, text)

    move(visit(patient), status="completed")
    ticking.drain_all()

    assert titles() == ["Good"]
    stored = Rule.objects.defer("draft").get(pk=bad.pk)
    assert stored.mode == Rule.Mode.QUARANTINED
    assert stored.mode_reason.startswith(reason)
    assert 10 < len(stored.mode_reason) <= 500
    assert [(r.outcome, r.reason, r.reason_text) for r in Run.objects.filter(rule=bad)] == [
        ("error", "rule_broken", stored.mode_reason)
    ]
    assert not Event.objects.exclude(state="matched").exists()

    move(visit(patient), status="completed")  # one more, now that it is in quarantine
    ticking.drain_all()
    assert (titles(), Run.objects.filter(rule=bad, outcome="error").count()) == (["Good", "Good"], 2)

    healed = heal(bad)
    assert (healed.mode, healed.mode_reason) == ("on", "")
    move(visit(patient), status="completed")
    ticking.drain_all()
    assert sorted(titles()) == ["Call", "Good", "Good", "Good"]
    assert states(good) == [("a1", "done", "")] * 3
    assert RuleVersion.objects.filter(rule=bad).order_by().values_list("number", flat=True).latest("number") == 2


def test_a_trigger_that_nobody_declares_is_quarantined_at_the_clinics_next_event(clinic, patient):
    bad = published(clinic, name="Bad")
    RuleVersion.objects.filter(rule=bad).update(trigger="appointment.levitated")
    compiled.forget()
    move(visit(patient), status="completed")
    ticking.drain_all()
    bad.refresh_from_db()
    assert bad.mode == "quarantined"
    assert bad.mode_reason.startswith("/trigger_event: Choose one of")
    assert not Run.objects.filter(rule=bad).exists()


def test_the_database_refuses_nul_inside_json(clinic):
    rule = published(clinic)
    for text in (r'{"match": "all", "items": "\u0000"}', '{"match": "all\0"}'):
        with pytest.raises((DataError, ValueError)), transaction.atomic():
            poison(rule, "conditions", text)
    assert RuleVersion.objects.get(rule=rule).conditions == GOOD


@pytest.mark.parametrize(("part", "text"), [("actions", "[[]]"), ("conditions", DEEP), ("actions", '{"a1": 1}')])
def test_steps_planned_before_the_poison_fail_with_its_reason_and_others_are_done(clinic, patient, part, text):
    later = {"type": "jot", "title": "Later", "timing": {"mode": "delay", "amount": 1, "unit": "days"}}
    bad = published(clinic, "appointment.completed", later, name="Bad")
    good = published(clinic, "appointment.completed", {**later, "title": "Good"}, name="Good")
    move(visit(patient), status="completed")
    ticking.drain_all()
    poison(bad, part, text)
    Step.objects.update(due_at="2026-01-01T00:00Z")
    ticking.drain_all()
    assert states(bad) == [("a1", "failed", "rule_broken")]
    assert Step.objects.get(rule=bad).reason_text != ""
    assert states(good) == [("a1", "done", "")]
    assert titles() == ["Good"]


@pytest.mark.parametrize(("part", "text"), [("actions", "[[]]"), ("conditions", DEEP)])
def test_a_visit_whose_rule_is_poisoned_can_still_be_moved_and_cancelled(clinic, patient, part, text):
    """Stopping and re-timing run in the clinician's own save: it must never be the victim."""
    reminder = {
        "type": "jot",
        "title": "Soon",
        "timing": {
            "mode": "relative",
            "amount": 1,
            "unit": "hours",
            "direction": "before",
            "anchor": "appointment.starts_at",
        },
    }
    rule = published(clinic, "appointment.booked", reminder)
    booked = visit(patient)
    ticking.drain_all()
    poison(rule, part, text)
    moved = move(booked, starts_at=booked.starts_at.replace(year=booked.starts_at.year + 1))
    assert states(rule) == [("a1", "pending", "")]
    move(moved, status="cancelled")
    assert states(rule) == [("a1", "cancelled", "stopped")]


def test_a_poison_rule_can_be_paused_archived_and_edited(clinic, patient):
    rule = published(clinic)
    poison(rule, "conditions", DEEP)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE automations_rule SET draft = %s::jsonb WHERE id = %s", [DEEP, rule.pk])
    rule = Rule.objects.defer("draft").get(pk=rule.pk)
    assert lifecycle.pause(rule).mode == "paused"
    assert lifecycle.resume(rule).mode == "on"
    with pytest.raises(lifecycle.RuleInvalid):
        lifecycle.publish(rule)
    assert lifecycle.archive(rule).mode == "archived"
    assert heal(rule).mode == "on"
