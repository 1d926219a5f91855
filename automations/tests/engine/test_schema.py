"""The one validator: what it gives, what it refuses and where, and that nothing hostile gets past it."""

import math

import pytest

from automations.engine.problems import RuleInvalid
from automations.engine.schema import parse_rule, spec_to_json, stop_keys
from automations.engine.values import Delay, Immediately, Reentry, Relative, WaitFor

from .cast import CATALOG, line, rule
from .refusals import problems

FACTS = CATALOG.facts_for("appointment.completed")
EMAIL = {"type": "send_email", "template": "x"}


def with_timing(**timing):
    return rule(actions=[{**EMAIL, "timing": timing}])


def with_condition(**condition):
    return rule(conditions={"match": "all", "items": [condition]})


def test_a_small_rule_gets_every_default():
    spec = parse_rule(rule(), CATALOG)
    assert spec_to_json(spec) == {
        "trigger_event": "appointment.completed",
        "trigger_config": {},
        "conditions": {"match": "all", "items": []},
        "actions": [
            {
                "id": "a1",
                "type": "require_form",
                "form": "satisfaction-survey",
                "notify": True,
                "timing": {"mode": "immediately"},
                "only_if": None,
                "note": "",
                "disabled": False,
            }
        ],
        "settings": {
            "reentry": {"mode": "every_time"},
            "stop_on": ["appointment.cancelled", "appointment.reopened"],
            "recheck": None,
            "hourly_cap": None,
        },
    }


def test_missing_conditions_are_none_but_emptied_ones_are_refused():
    data = rule()
    del data["conditions"]
    assert parse_rule(data, CATALOG).conditions.items == ()
    for emptied in (None, "", [], {}, 0):
        assert any(path.startswith("/conditions") for path in problems(rule(conditions=emptied)))


def test_references_are_named_with_their_places_and_words_are_none():
    spec = parse_rule(
        rule(
            conditions={"match": "all", "items": [line("appointment.service", "is_any_of", ["s"])]},
            actions=[
                {"type": "create_task", "title": "x", "assign_to": "front_desk"},
                {"type": "create_task", "title": "x", "assign_to": "dr-ionescu"},
                {**EMAIL, "only_if": {"match": "all", "items": [line("appointment.service", "is_none_of", ["t"])]}},
            ],
        ),
        CATALOG,
    )
    assert [(one.path, one.kind, one.slug) for one in spec.references] == [
        ("/conditions/items/0/value/0", "service", "s"),
        ("/actions/1/assign_to", "user", "dr-ionescu"),
        ("/actions/2/template", "template", "x"),
        ("/actions/2/only_if/items/0/value/0", "service", "t"),
    ]


def test_action_ids_are_kept_and_new_ones_never_reuse_a_number():
    spec = parse_rule(rule(actions=[{**EMAIL, "id": "a2"}, EMAIL, {**EMAIL, "id": "chase"}, EMAIL]), CATALOG)
    assert [one.id for one in spec.actions] == ["a2", "a3", "chase", "a4"]
    again = parse_rule(rule(actions=[EMAIL]), CATALOG, used_ids=["a7"])
    assert [one.id for one in again.actions] == ["a8"]


def test_the_timings_are_read():
    timings = [
        {"mode": "delay", "amount": 24, "unit": "hours"},
        {"mode": "relative", "amount": 1, "unit": "days", "direction": "before", "anchor": "appointment.starts_at"},
        {"mode": "wait_for", "trigger": "appointment.summary_released", "within": {"amount": 3, "unit": "days"}},
        None,
    ]
    spec = parse_rule(rule(actions=[{**EMAIL, "timing": one} for one in timings]), CATALOG)
    assert [one.timing for one in spec.actions] == [
        Delay(24, "hours"),
        Relative(1, "days", "before", "appointment.starts_at", "skip"),
        WaitFor("appointment.summary_released", 3, "days", "skip"),
        Immediately(),
    ]


def test_the_settings_are_read():
    settings = {"reentry": {"mode": "once_per_days", "days": 90}, "stop_on": [], "recheck": False, "hourly_cap": 10}
    read = parse_rule(rule(settings=settings), CATALOG).settings
    assert (read.reentry, read.stop_on, read.recheck, read.hourly_cap) == (Reentry("once_per_days", 90), (), False, 10)


def test_a_rule_is_never_stopped_by_its_own_trigger():
    spec = parse_rule(rule(settings={"stop_on": ["appointment.completed", "form.voided"]}), CATALOG)
    assert spec.settings.stop_on == ("form.voided",)


def test_a_stop_of_another_kind_stops_all_of_the_patient():
    spec = parse_rule(rule(settings={"stop_on": ["appointment.cancelled", "form.voided"]}), CATALOG)
    assert stop_keys(spec, CATALOG) == (("appointment.cancelled", "subject"), ("form.voided", "patient"))


DEEP = {"match": "all", "items": [line("patient.age", "gte", 1)]}
for _level in range(9):
    DEEP = {"match": "all", "items": [{"field": "group", **DEEP}]}
EIGHT = DEEP["items"][0]
EIGHT = {key: value for key, value in EIGHT.items() if key != "field"}

REFUSED = [
    (None, "", "type"),
    ([], "", "type"),
    (rule(name="x"), "/name", "unknown_key"),
    (rule(trigger_event="appointment.exploded"), "/trigger_event", "unknown_trigger"),
    (rule(trigger_event=7), "/trigger_event", "unknown_trigger"),
    (rule(trigger_event="form.voided"), "/trigger_event", "unknown_trigger"),
    (rule(trigger_config={"first": 1}), "/trigger_config/first", "unknown_key"),
    (rule(trigger_config=[]), "/trigger_config", "type"),
    (rule(trigger_event="treatment.adherence_dropped"), "/trigger_config/below_percent", "required"),
    (
        rule(trigger_event="treatment.adherence_dropped", trigger_config={"below_percent": 101}),
        "/trigger_config/below_percent",
        "range",
    ),
    (rule(conditions={"match": "some", "items": []}), "/conditions/match", "choice"),
    (rule(conditions={"match": "all", "items": [], "or": 1}), "/conditions/or", "unknown_key"),
    (rule(conditions={"match": "all", "items": [3]}), "/conditions/items/0", "type"),
    (with_condition(field="group", match="all", items=[]), "/conditions/items/0/items", "empty_group"),
    (with_condition(field="patient.shoe", op="eq", value=1), "/conditions/items/0/field", "unknown_field"),
    (with_condition(field={}, op="eq", value=1), "/conditions/items/0/field", "unknown_field"),
    (with_condition(field="form.template", op="is_empty"), "/conditions/items/0/field", "unknown_field"),
    (with_condition(field="patient.age", op="contains", value=1), "/conditions/items/0/op", "unknown_operator"),
    (with_condition(field="patient.age", op=["eq"], value=1), "/conditions/items/0/op", "unknown_operator"),
    (with_condition(field="patient.age", op="changed"), "/conditions/items/0/op", "unknown_operator"),
    (with_condition(field="patient.age", op="eq"), "/conditions/items/0/value", "type"),
    (with_condition(field="patient.age", op="eq", value=True), "/conditions/items/0/value", "type"),
    (with_condition(field="patient.age", op="eq", value="65"), "/conditions/items/0/value", "type"),
    (with_condition(field="patient.age", op="eq", value=math.nan), "/conditions/items/0/value", "range"),
    (with_condition(field="patient.age", op="eq", value=math.inf), "/conditions/items/0/value", "range"),
    (with_condition(field="patient.age", op="eq", value=10**12 + 1), "/conditions/items/0/value", "range"),
    (with_condition(field="patient.age", op="eq", value=10**9000), "/conditions/items/0/value", "range"),
    (with_condition(field="patient.age", op="between", value=[3, 1]), "/conditions/items/0/value", "range"),
    (with_condition(field="patient.age", op="between", value=[1]), "/conditions/items/0/value", "type"),
    (with_condition(field="patient.age", op="between", value=[1, "3"]), "/conditions/items/0/value/1", "type"),
    (with_condition(field="patient.age", op="is_empty", value=3), "/conditions/items/0/value", "no_value"),
    (with_condition(field="patient.age", op="eq", value=3, window={}), "/conditions/items/0/window", "unknown_key"),
    (with_condition(field="patient.city", op="is", value=" "), "/conditions/items/0/value", "blank"),
    (with_condition(field="patient.city", op="contains", value="\u0301"), "/conditions/items/0/value", "blank"),
    (with_condition(field="patient.city", op="is", value="a\x00"), "/conditions/items/0/value", "text"),
    (with_condition(field="patient.city", op="is", value="\ud800"), "/conditions/items/0/value", "text"),
    (with_condition(field="patient.city", op="is", value="x" * 201), "/conditions/items/0/value", "too_long"),
    (with_condition(field="patient.sex", op="is_any_of", value=["femal"]), "/conditions/items/0/value/0", "choice"),
    (with_condition(field="patient.sex", op="is_any_of", value=[]), "/conditions/items/0/value", "empty_list"),
    (with_condition(field="patient.sex", op="is_any_of", value="female"), "/conditions/items/0/value", "type"),
    (with_condition(field="patient.tags", op="has_any_of", value=["x"] * 101), "/conditions/items/0/value", "too_many"),
    (with_condition(field="patient.active_plan", op="is", value=1), "/conditions/items/0/value", "type"),
    (
        with_condition(field="patient.last_appointment_at", op="on", value="2026-02-30"),
        "/conditions/items/0/value",
        "date",
    ),
    (
        with_condition(field="patient.last_appointment_at", op="on", value="20260201"),
        "/conditions/items/0/value",
        "date",
    ),
    (
        with_condition(field="patient.last_appointment_at", op="in_last", value={"amount": 0, "unit": "days"}),
        "/conditions/items/0/value/amount",
        "range",
    ),
    (
        with_condition(field="patient.last_appointment_at", op="in_last", value={"amount": 1, "unit": "years"}),
        "/conditions/items/0/value/unit",
        "choice",
    ),
    (with_condition(field="patient.answer", op="is", value=7), "/conditions/items/0/value", "type"),
    (with_condition(field="patient.answer", op="is_not", value=True), "/conditions/items/0/value", "type"),
    (with_condition(field="patient.answer", op="changed"), "/conditions/items/0/op", "unknown_operator"),
    (rule(conditions=DEEP), "/conditions" + "/items/0" * 9, "too_deep"),
    (rule(conditions={"match": "all", "items": [DEEP["items"][0]] * 101}), "/conditions/items", "too_many"),
    (rule(actions=[]), "/actions", "required"),
    (rule(actions="x"), "/actions", "required"),
    (rule(actions=[EMAIL] * 31), "/actions", "too_many"),
    (rule(actions=[3]), "/actions/0", "type"),
    (rule(actions=[{"type": "explode"}]), "/actions/0/type", "unknown_action"),
    (rule(actions=[{"type": "send_email"}]), "/actions/0/template", "required"),
    (rule(actions=[{**EMAIL, "templat": "x"}]), "/actions/0/templat", "unknown_key"),
    (rule(actions=[{**EMAIL, "to": "everyone"}]), "/actions/0/to", "choice"),
    (rule(actions=[{**EMAIL, "id": "A 1"}]), "/actions/0/id", "id"),
    (rule(actions=[{**EMAIL, "id": "x"}, {**EMAIL, "id": "x"}]), "/actions/1/id", "duplicate"),
    (rule(actions=[{**EMAIL, "note": "x" * 501}]), "/actions/0/note", "too_long"),
    (rule(actions=[{**EMAIL, "disabled": "no"}]), "/actions/0/disabled", "type"),
    (rule(actions=[{**EMAIL, "only_if": []}]), "/actions/0/only_if", "type"),
    (rule(actions=[{"type": "create_task", "title": "HELP", "assign_to": "x"}]), "/actions/0/title", "invalid"),
    (with_timing(mode="later"), "/actions/0/timing/mode", "choice"),
    (with_timing(mode="immediately", amount=1), "/actions/0/timing/amount", "unknown_key"),
    (with_timing(mode="delay", amount=-1, unit="days"), "/actions/0/timing/amount", "range"),
    (with_timing(mode="delay", amount=1.5, unit="days"), "/actions/0/timing/amount", "type"),
    (with_timing(mode="delay", amount=1, unit="hours", at="09:00"), "/actions/0/timing/at", "at_needs_days"),
    (with_timing(mode="delay", amount=1, unit="days", at="9:00"), "/actions/0/timing/at", "time"),
    (with_timing(mode="delay", amount=1, unit="days", at="24:00"), "/actions/0/timing/at", "time"),
    (
        with_timing(mode="relative", amount=1, unit="days", direction="before", anchor="form.due_at"),
        "/actions/0/timing/anchor",
        "wrong_subject",
    ),
    (
        with_timing(mode="wait_for", trigger="form.signed", within={"amount": 1, "unit": "days"}),
        "/actions/0/timing/trigger",
        "wrong_subject",
    ),
    (
        with_timing(mode="wait_for", trigger="appointment.completed", within={"amount": 1, "unit": "days"}),
        "/actions/0/timing/trigger",
        "own_trigger",
    ),
    (with_timing(mode="wait_for", trigger="appointment.reopened"), "/actions/0/timing/within", "type"),
    (rule(settings=[]), "/settings", "type"),
    (rule(settings={"retry": 1}), "/settings/retry", "unknown_key"),
    (rule(settings={"stop_on": ["x"]}), "/settings/stop_on/0", "unknown_trigger"),
    (rule(settings={"recheck": "yes"}), "/settings/recheck", "type"),
    (rule(settings={"hourly_cap": 0}), "/settings/hourly_cap", "range"),
    (rule(settings={"reentry": {"mode": "once_per_days"}}), "/settings/reentry/days", "type"),
    (rule(settings={"reentry": {"mode": "every_time", "days": 3}}), "/settings/reentry/days", "unused"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "path", "code"), REFUSED)
def test_what_is_wrong_is_refused_at_its_place(data, path, code):
    assert problems(data).get(path) == code


def test_eight_nested_groups_are_allowed():
    assert parse_rule(rule(conditions=EIGHT), CATALOG).conditions.items


def test_all_problems_are_told_at_once():
    found = problems(
        {
            "trigger_event": "appointment.completed",
            "conditions": {"match": "all", "items": [line("patient.age", "eq", "x"), line("patient.shoe", "eq", 1)]},
            "actions": [{"type": "explode"}, {**EMAIL, "note": "\x00", "timing": {"mode": "later"}}],
            "settings": {"hourly_cap": -1},
        }
    )
    assert found == {
        "/conditions/items/0/value": "type",
        "/conditions/items/1/field": "unknown_field",
        "/actions/0/type": "unknown_action",
        "/actions/1/note": "text",
        "/actions/1/timing/mode": "choice",
        "/settings/hourly_cap": "range",
    }


def test_a_message_names_the_remedy():
    with pytest.raises(RuleInvalid) as caught:
        parse_rule(with_condition(field="patient.agee", op="eq", value=1), CATALOG)
    (problem,) = caught.value.errors
    assert problem.message == "Choose another field; 'patient.agee' is not known. Did you mean 'patient.age'?"


def test_a_fact_of_another_trigger_is_told_from_one_that_nobody_knows():
    with pytest.raises(RuleInvalid) as caught:
        parse_rule(with_condition(field="form.template", op="is_empty"), CATALOG)
    (problem,) = caught.value.errors
    assert problem.message.startswith(
        "Choose another field; 'form.template' does not belong to the trigger 'appointment.completed'. "
        "Known for this trigger: "
    )


def test_a_key_that_an_action_does_not_have_is_answered_with_all_that_it_has():
    action = {"type": "require_form", "form": "satisfaction-survey", "xyz": 1}
    with pytest.raises(RuleInvalid) as caught:
        parse_rule(rule(actions=[action]), CATALOG)
    (problem,) = caught.value.errors
    assert (problem.path, problem.code) == ("/actions/0/xyz", "unknown_key")
    for key in ("form", "notify", "id", "type", "timing", "only_if", "note", "disabled"):
        assert f" {key}" in problem.message
    assert "…" not in problem.message
