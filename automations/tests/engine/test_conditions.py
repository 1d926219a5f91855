"""What a condition tree says of an event: true, false or unknown."""

import pytest

from automations.engine.conditions import combine, evaluate, parse_group, references_of
from automations.engine.operators import operators_for
from automations.engine.values import fact_key

from .asking import FACTS, ask
from .cast import CATALOG, event, line

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
