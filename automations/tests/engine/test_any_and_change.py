"""What conditions say of facts of any type, and of changes."""

import pytest

from automations.engine.conditions import parse_group
from automations.engine.operators import operators_for
from automations.engine.problems import RuleInvalid
from automations.engine.values import old_key

from .asking import FACTS, ask
from .cast import line

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
