"""What a condition tree says of an event: true, false or unknown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations.engine.bounds import date_bounds
from automations.engine.conditions import combine, evaluate, parse_group, references_of
from automations.engine.moments import shift_day
from automations.engine.operators import operators_for
from automations.engine.problems import RuleInvalid
from automations.engine.text import fold
from automations.engine.values import Group, fact_key, old_key
from automations.engine.wire import group_to_json

from .cast import (
    CATALOG,
    NEW_YORK,
    SPANS,
    condition_json,
    event,
    events,
    fact_values,
    group_json,
    line,
    proved,
)

FACTS = CATALOG.facts_for("appointment.completed")


def ask(condition, **facts):
    group = parse_group({"match": "all", "items": [condition]}, FACTS)
    return evaluate(group, event(**facts)).result


NUMBER = [
    ("eq", 65, 65, True),
    ("eq", 65, 65.0, True),
    ("ne", 65, 65, False),
    ("lt", 65, 64, True),
    ("lt", 65, 65, False),
    ("lte", 65, 65, True),
    ("gt", 65, 65, False),
    ("gte", 65, 65, True),
    ("gte", 65, 64.9, False),
    ("between", [1, 3], 1, True),
    ("between", [1, 3], 3, True),
    ("between", [1, 3], 3.1, False),
]


@pytest.mark.parametrize(("op", "value", "actual", "expected"), NUMBER)
def test_numbers_compare(op, value, actual, expected):
    assert ask(line("patient.age", op, value), patient__age=actual) is expected


TEXT = [
    ("is", "cluj", "CLÚJ", True),
    ("is", "Łódź", "łodz", True),
    ("is", "Łódź", "lodz", False),
    ("is_not", "cluj", "Cluj", False),
    ("contains", "PAULO", "São Paulo", True),
    ("contains", "sao", "São Paulo", True),
    ("starts_with", "paulo", "São Paulo", False),
    ("starts_with", "SÃO", "São Paulo", True),
    ("is", "São  Paulo", "São Paulo", False),
    ("is", "straße", "STRASSE", True),
    ("is_any_of", ["x", "CLUJ"], "cluj", True),
    ("is_any_of", ["x"], "cluj", False),
    ("is", "cluj", "", False),
]


@pytest.mark.parametrize(("op", "value", "actual", "expected"), TEXT)
def test_texts_compare_without_case_and_accents(op, value, actual, expected):
    assert ask(line("patient.city", op, value), patient__city=actual) is expected


LISTS = [
    ("has_any_of", ["a", "b"], ["b", "c"], True),
    ("has_any_of", ["a"], [], False),
    ("has_all_of", ["a", "b"], ["a"], False),
    ("has_all_of", ["a", "b"], ["b", "c", "a"], True),
    ("has_none_of", ["a"], ["b"], True),
    ("has_none_of", ["a"], [], True),
    ("has_none_of", ["a"], None, None),
    ("has_any_of", ["a"], None, None),
    ("has_all_of", ["a"], None, None),
]


@pytest.mark.parametrize(("op", "value", "actual", "expected"), LISTS)
def test_lists_compare_by_their_members(op, value, actual, expected):
    assert ask(line("patient.tags", op, value), patient__tags=actual) is expected


def test_choices_references_and_booleans_compare_exactly():
    assert ask(line("patient.sex", "is_any_of", ["female", "other"]), patient__sex="other") is True
    assert ask(line("patient.sex", "is_none_of", ["female"]), patient__sex="female") is False
    assert ask(line("appointment.service", "is_any_of", ["Physio"]), appointment__service="physio") is False
    assert ask(line("patient.active_plan", "is", False), patient__active_plan=False) is True


# "now" is Tuesday 24 November 2026, 12:00 in New York (17:00 UTC).
DATES = [
    ("before", "2026-11-24", "2026-11-24T04:59:00Z", True),
    ("before", "2026-11-24", "2026-11-24T05:00:00Z", False),
    ("after", "2026-11-24", "2026-11-25T04:59:00Z", False),
    ("after", "2026-11-24", "2026-11-25T00:00:00-05:00", True),
    ("on", "2026-11-24", "2026-11-25T04:59:59Z", True),
    ("on", "2026-11-24", "2026-11-24T04:59:00Z", False),
    ("before", "2026-11-24", "2026-11-23", True),
    ("after", "2026-11-24", "2026-11-24", False),
    ("on", "2026-11-24", "2026-11-24", True),
    ("in_last", (3, "hours"), "2026-11-24T14:00:00Z", False),
    ("in_last", (3, "hours"), "2026-11-24T14:01:00Z", True),
    ("in_last", (3, "hours"), "2026-11-24T17:00:00Z", True),
    ("in_last", (3, "hours"), "2026-11-24T17:00:01Z", False),
    ("in_last", (1, "days"), "2026-11-24T05:00:00Z", True),
    ("in_last", (1, "days"), "2026-11-24T04:59:00Z", False),
    ("in_last", (1, "days"), "2026-11-24T18:00:00Z", False),
    ("in_last", (1, "days"), "2026-11-24", True),
    ("in_last", (3, "months"), "2026-08-25", True),
    ("in_last", (3, "months"), "2026-08-24", False),
    ("in_last", (3, "months"), "2026-08-25T03:59:00Z", False),
    ("in_last", (3, "months"), "2026-08-25T04:00:00Z", True),
    ("in_last", (1, "weeks"), "2026-11-18", True),
    ("in_last", (1, "weeks"), "2026-11-17", False),
    ("in_next", (2, "hours"), "2026-11-24T17:00:00Z", False),
    ("in_next", (2, "hours"), "2026-11-24T19:00:00Z", True),
    ("in_next", (2, "hours"), "2026-11-24T19:00:01Z", False),
    ("in_next", (2, "days"), "2026-11-26T04:59:00Z", True),
    ("in_next", (2, "days"), "2026-11-26T05:00:00Z", False),
    ("in_next", (2, "days"), "2026-11-24T16:00:00Z", False),
    ("in_next", (2, "days"), "2026-11-24", True),
    ("in_next", (2, "days"), "2026-11-25", True),
    ("in_next", (2, "days"), "2026-11-26", False),
    ("more_than_ago", (30, "days"), "2026-10-25", True),
    ("more_than_ago", (30, "days"), "2026-10-26", False),
    ("more_than_ago", (30, "days"), "2026-10-26T03:59:00Z", True),
    ("more_than_ago", (30, "days"), "2026-10-26T04:00:00Z", False),
    ("more_than_ago", (2, "hours"), "2026-11-24T15:00:00Z", True),
    ("more_than_ago", (2, "hours"), "2026-11-24T15:00:01Z", False),
    ("more_than_ago", (2, "hours"), "2026-11-24", True),
    ("in_last", (3, "hours"), "2026-11-24", False),
    ("in_last", (13, "hours"), "2026-11-24", True),
]


@pytest.mark.parametrize(("op", "value", "actual", "expected"), DATES)
def test_dates_compare_on_the_clinic_calendar(op, value, actual, expected):
    value = {"amount": value[0], "unit": value[1]} if isinstance(value, tuple) else value
    assert ask(line("patient.last_appointment_at", op, value), patient__last_appointment_at=actual) is expected


@pytest.mark.parametrize("actual", [None, "?", True, [], "2026-11-24T10:00:00", float("nan")])
def test_a_missing_value_and_one_of_another_type_are_unknown(actual):
    assert ask(line("patient.age", "lt", 65), patient__age=actual) is None
    assert ask(line("patient.last_appointment_at", "before", "2030-01-01"), patient__last_appointment_at=actual) is None


def test_a_fact_that_the_event_does_not_carry_is_unknown():
    assert ask(line("patient.age", "lt", 65)) is None


@pytest.mark.parametrize(
    ("field", "actual", "expected"),
    [
        ("patient.age", None, True),
        ("patient.age", 0, False),
        ("patient.city", "", True),
        ("patient.city", "x", False),
        ("patient.tags", [], True),
        ("patient.tags", None, True),
        ("patient.tags", ["a"], False),
        ("patient.active_plan", False, False),
        ("patient.last_appointment_at", None, True),
    ],
)
def test_is_empty_always_knows(field, actual, expected):
    facts = {field.replace(".", "__"): actual}
    assert ask({"field": field, "op": "is_empty"}, **facts) is expected
    assert ask({"field": field, "op": "is_not_empty"}, **facts) is not expected


DECIDED = [
    # op, value, the type it decides, an answer of that type that is true, one that is false, answers of another type
    ("eq", 7, "number", 7.0, 8, ["7", True, [7], "2026-11-24"]),
    ("ne", 7, "number", 8, 7, ["8", None, False]),
    ("gte", 7, "number", 7, 6.5, ["7", "left", True, ["7"], {}, float("inf"), 10**301]),
    ("gt", 7, "number", 8, 7, ["8"]),
    ("lt", 7, "number", 6, 7, ["6", False]),
    ("lte", 7, "number", 7, 8, ["7", None]),
    ("between", [1, 3], "number", 2, 4, ["2", True]),
    ("is", "Left", "text", "LEFT", "right", [7, True, ["left"], None]),
    ("is", True, "boolean", True, False, [1, "true", "yes", [True]]),
    ("is", False, "boolean", False, True, [0, "", None]),
    ("is_not", "left", "text", "right", "Left", [7, False, ["right"]]),
    ("contains", "ef", "text", "Left", "right", [7, ["left"]]),
    ("starts_with", "le", "text", "Left", "right", [True, ["left"]]),
    ("is_any_of", ["left"], "choice", "left", "Left", [7, ["left"], True]),
    ("is_none_of", ["left"], "choice", "Left", "left", [7, ["right"], True]),
    ("before", "2026-11-24", "date", "2026-11-23", "2026-11-24", ["left", 20261123, "2026-02-30", "2026-W01-1"]),
    ("after", "2026-11-24", "date", "2026-11-25T17:00:00Z", "2026-11-24", ["2026-11-25T17:00:00", "20261125"]),
    ("on", "2026-11-24", "date", "2026-11-24", "2026-11-25", ["24.11.2026", "2026-11-24\n", True]),
    ("in_last", {"amount": 2, "unit": "days"}, "date", "2026-11-23", "2026-11-22", ["yesterday", 1]),
    ("in_next", {"amount": 2, "unit": "days"}, "date", "2026-11-25", "2026-11-26", ["tomorrow", []]),
    ("more_than_ago", {"amount": 2, "unit": "days"}, "date", "2026-11-22", "2026-11-23", ["long ago", 0]),
    ("has_any_of", ["knee", "hip"], "list", ["hip"], [], ["hip", 7, [7], ["hip", 7], None]),
    ("has_all_of", ["knee", "hip"], "list", ["hip", "knee"], ["hip"], ["hip", True]),
    ("has_none_of", ["knee"], "list", ["hip"], ["knee"], ["hip", 7, None]),
]


@pytest.mark.parametrize(("op", "value", "decides", "true", "false", "others"), DECIDED)
def test_of_a_fact_of_any_type_the_operator_decides_the_type(op, value, decides, true, false, others):
    condition = line("patient.answer", op, value)
    [parsed] = parse_group({"match": "all", "items": [condition]}, FACTS).items
    assert parsed.type == decides
    assert ask(condition, patient__answer=true) is True
    assert ask(condition, patient__answer=false) is False
    assert [ask(condition, patient__answer=other) for other in others] == [None] * len(others)


def test_every_operator_of_any_is_tried_above():
    assert {op for op, *_rest in DECIDED} | {"is_empty", "is_not_empty"} == set(operators_for("any"))


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(None, True), ("", True), ([], True), ({}, True), (0, False), (False, False), (" ", False), ([0], False)],
)
def test_whether_a_fact_of_any_type_is_empty_is_always_known(actual, expected):
    assert ask({"field": "patient.answer", "op": "is_empty"}, patient__answer=actual) is expected
    assert ask({"field": "patient.answer", "op": "is_not_empty"}, patient__answer=actual) is not expected


def test_a_fact_of_any_type_that_the_event_does_not_carry_is_empty_and_unknown():
    assert ask({"field": "patient.answer", "op": "is_empty"}) is True
    assert ask(line("patient.answer", "is", True)) is None


def test_a_fact_of_any_type_offers_no_changes():
    assert not [op for op in operators_for("any", change=True).values() if op.change]


A, B = "2026-11-24T10:00:00Z", "2026-11-25T10:00:00Z"
CHANGES = [
    ("appointment.starts_at", "changed", None, A, B, True),
    ("appointment.starts_at", "changed", None, A, "2026-11-24T05:00:00-05:00", False),  # the same instant
    ("appointment.starts_at", "changed_from", "2026-11-24", A, B, True),
    ("appointment.starts_at", "changed_to", "2026-11-24", A, B, False),
    ("appointment.specialist", "changed", None, None, "dr-x", True),
    ("appointment.specialist", "changed_to", "dr-x", None, "dr-x", True),
    ("appointment.specialist", "changed_to", ["dr-x"], "dr-x", "dr-x", False),
    ("appointment.specialist", "changed_from", ["dr-x"], None, "dr-x", None),
    ("appointment.specialist", "changed_from", ["dr-x"], "dr-x", None, True),
]


@pytest.mark.parametrize(("field", "op", "value", "old", "new", "expected"), CHANGES)
def test_a_change_compares_the_old_with_the_new(field, op, value, old, new, expected):
    assert ask(line(field, op, value), **{field: new, old_key(field): old}) is expected


def test_a_change_is_unknown_when_the_event_does_not_carry_the_old_value():
    assert ask(line("appointment.specialist", "changed", None), appointment__specialist="dr-x") is None


def test_a_change_is_offered_only_by_facts_that_carry_it():
    with pytest.raises(RuleInvalid):
        ask(line("patient.age", "changed", None))


TABLE = [
    ("all", [True, True], True),
    ("all", [True, None], None),
    ("all", [False, None], False),
    ("any", [False, None], None),
    ("any", [True, None], True),
    ("any", [False, False], False),
    ("none", [False, False], True),
    ("none", [False, None], None),
    ("none", [True, None], False),
]


@pytest.mark.parametrize(("match", "results", "expected"), TABLE)
def test_groups_combine_as_sql_does(match, results, expected):
    assert combine(match, results) is expected


@pytest.mark.parametrize("match", ["all", "any", "none"])
def test_a_root_without_items_is_always_true(match):
    assert evaluate(parse_group({"match": match, "items": []}, FACTS), event()).result is True


def test_the_verdict_is_json_as_the_api_shows_it():
    group = parse_group(
        {
            "match": "all",
            "items": [
                line("patient.appointment_count", "eq", 0, window={"amount": 3, "unit": "months"}),
                {"field": "group", "match": "any", "items": [line("patient.age", "gte", 65)]},
            ],
        },
        FACTS,
    )
    key = fact_key("patient.appointment_count", {"window": {"amount": 3, "unit": "months"}})
    verdict = evaluate(group, event(patient__age=63, **{key: None}))
    assert verdict.as_json() == {
        "match": "all",
        "result": False,
        "items": [
            {
                "field": "patient.appointment_count",
                "op": "eq",
                "value": 0,
                "actual": None,
                "result": None,
                "window": {"amount": 3, "unit": "months"},
            },
            {
                "field": "group",
                "match": "any",
                "result": False,
                "items": [{"field": "patient.age", "op": "gte", "value": 65, "actual": 63, "result": False}],
            },
        ],
    }
    assert verdict.reasons() == (f"/items/0 {key} eq unknown", "/items/1/items/0 patient.age gte false")


def test_a_fact_key_is_the_same_for_the_same_parameters_in_any_order():
    assert (
        fact_key("x", {"b": ["2", "1"], "a": 1}) == fact_key("x", {"a": 1, "b": ["1", "2"]}) == 'x{"a":1,"b":["1","2"]}'
    )
    assert fact_key("x", {}) == "x"


def test_references_are_found_with_their_places():
    facts = CATALOG.facts_for("appointment.completed")
    group = parse_group(
        {
            "match": "any",
            "items": [
                line("appointment.service", "is_any_of", ["a", "b"]),
                line("patient.appointment_count", "eq", 0, services=["c"]),
            ],
        },
        facts,
    )
    assert [(one.path, one.kind, one.slug) for one in references_of(group, facts, "/conditions")] == [
        ("/conditions/items/0/value/0", "service", "a"),
        ("/conditions/items/0/value/1", "service", "b"),
        ("/conditions/items/1/services/0", "service", "c"),
    ]


def test_every_fact_type_can_be_asked_whether_it_is_empty():
    for fact in CATALOG.facts.values():
        assert {"is_empty", "is_not_empty"} <= set(operators_for(fact.type.value))


# --- properties ---


def naive(group, found):
    """Combine by SQL's own definition: false < unknown < true."""
    rank = {False: 0, None: 1, True: 2}
    results = [naive(item, found) if isinstance(item, Group) else next(found) for item in group.items]
    if group.match == "all":
        return min(results, key=rank.__getitem__)
    best = max(results, key=rank.__getitem__)
    return best if group.match == "any" else {True: False, False: True, None: None}[best]


@proved()
@given(group_json(FACTS, empty=False), events("appointment.completed"))
def test_a_tree_is_the_minimum_or_maximum_of_its_parts(data, happened):
    group = parse_group(data, FACTS)
    verdict = evaluate(group, happened)
    assert verdict.result is naive(group, iter([leaf.result for _path, leaf in verdict.leaves()]))


@proved()
@given(group_json(FACTS))
def test_a_tree_survives_being_written_and_read(data):
    group = parse_group(data, FACTS)
    assert parse_group(group_to_json(group), FACTS) == group


TYPED = {
    "number": "patient.age",
    "text": "patient.city",
    "boolean": "patient.active_plan",
    "date": "patient.last_appointment_at",
    "list": "patient.tags",
    "choice": "patient.sex",
}


@proved()
@given(condition_json({"patient.answer": FACTS["patient.answer"]}), fact_values(FACTS["patient.answer"]))
def test_any_answers_as_a_fact_of_the_type_that_was_decided(asked, actual):
    [condition] = parse_group({"match": "all", "items": [asked]}, FACTS).items
    if condition.type == "any":
        empty = actual in (None, "", [], {})
        assert ask(asked, patient__answer=actual) is (empty if asked["op"] == "is_empty" else not empty)
        return
    typed = TYPED[condition.type]
    same = replace(condition, field=typed, key=typed)
    assert ask(asked, patient__answer=actual) is evaluate(Group("all", (same,)), event(**{typed: actual})).result


@proved()
@given(st.text(max_size=30))
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


MINUTES = st.integers(-60 * 24 * 100, 60 * 24 * 100)


@proved()
@given(MINUTES, MINUTES, SPANS, st.sampled_from(["in_last", "in_next", "more_than_ago"]))
def test_spans_agree_with_local_days_counted_one_by_one(shift_now, shift_then, span, op):
    base = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)
    now, then = base + timedelta(minutes=shift_now), base + timedelta(minutes=shift_then)
    got = date_bounds(op, span, now, NEW_YORK).contains(then)
    amount, unit = span["amount"], span["unit"]
    if unit in ("minutes", "hours"):
        reach = timedelta(**{unit: amount})
        expected = {
            "in_last": now - reach < then <= now,
            "in_next": now < then <= now + reach,
            "more_than_ago": then <= now - reach,
        }[op]
    else:
        today, day = now.astimezone(NEW_YORK).date(), then.astimezone(NEW_YORK).date()
        back, ahead = shift_day(today, -amount, unit), shift_day(today, amount, unit)
        expected = {
            "in_last": back < day <= today and then <= now,
            "in_next": today <= day < ahead and then > now,
            "more_than_ago": day <= back,
        }[op]
    assert got is expected
