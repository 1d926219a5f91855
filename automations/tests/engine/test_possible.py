"""Whether conditions can hold together: what is called impossible is never true of any facts that are tried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations.engine.conditions import evaluate
from automations.engine.possible import can_hold
from automations.engine.values import Condition, EventFacts, Group
from automations.tests.engine.cast import NEW_YORK, NOON


def cond(op, value=None, kind="number", field="f"):
    return Condition(field, op, value, {}, field, kind)


def every(*items):
    return Group("all", items)


IMPOSSIBLE = [
    every(cond("gte", 65), cond("lt", 65)),
    every(cond("gt", 65), cond("lte", 65)),
    every(cond("eq", 3), cond("ne", 3)),
    every(cond("eq", 3), cond("eq", 4)),
    every(cond("between", [1, 5]), cond("gt", 5)),
    every(cond("is_empty"), cond("gte", 1)),
    every(cond("is_empty"), cond("is_not_empty")),
    every(cond("is_any_of", ["a"], "choice"), cond("is_any_of", ["b"], "choice")),
    every(cond("is_any_of", ["a"], "reference"), cond("is_none_of", ["a", "c"], "reference")),
    every(cond("is", "Iași", "text"), cond("is_not", "IASI", "text")),
    every(cond("is", True, "boolean"), cond("is", False, "boolean")),
    every(cond("has_all_of", ["a", "b"], "list"), cond("has_none_of", ["b"], "list")),
    every(cond("has_any_of", ["a"], "list"), cond("has_none_of", ["a", "b"], "list")),
    every(cond("before", "2026-01-01", "date"), cond("after", "2026-01-01", "date")),
    every(cond("on", "2026-01-01", "date"), cond("before", "2026-01-01", "date")),
    every(cond("gte", 65), Group("any", (cond("lt", 10), cond("lt", 20)))),
    every(cond("gte", 65), Group("none", (cond("gte", 60),))),
    Group("none", (cond("gte", 65), cond("lt", 65))),
]
POSSIBLE = [
    every(cond("gte", 65), cond("lte", 65)),
    every(cond("gt", 64), cond("lt", 65)),
    every(cond("gte", 65), cond("lt", 65, field="g")),
    every(cond("is_any_of", ["a", "b"], "choice"), cond("is_none_of", ["a"], "choice")),
    every(cond("has_any_of", ["a", "c"], "list"), cond("has_none_of", ["a", "b"], "list")),
    every(cond("before", "2026-01-03", "date"), cond("after", "2026-01-01", "date")),
    every(cond("gte", 65), Group("any", (cond("lt", 10), cond("lt", 70)))),
    every(cond("is_empty")),
    Group("any", (every(cond("gte", 65), cond("lt", 60)), cond("eq", 1))),
    Group(),
]


@pytest.mark.parametrize("tree", IMPOSSIBLE)
def test_it_can_never_hold(tree):
    assert not can_hold(tree)


@pytest.mark.parametrize("tree", POSSIBLE)
def test_it_can_hold(tree):
    assert can_hold(tree)


def test_two_trees_are_asked_together():
    assert not can_hold(every(cond("gte", 65)), every(cond("lt", 60)))
    assert can_hold(every(cond("gte", 65)), every(cond("lt", 70)), Group())


def test_what_is_known_of_the_event_bars_other_words():
    form = every(cond("is_any_of", ["consent"], "reference"))
    assert not can_hold(form, known={"f": "survey"})
    assert can_hold(form, known={"f": "consent"})


LINES = st.builds(
    lambda op, n: cond(op, [n, n + 2] if op == "between" else None if "empty" in op else n),
    st.sampled_from(["eq", "ne", "lt", "lte", "gt", "gte", "between", "is_empty", "is_not_empty"]),
    st.integers(0, 5),
)
TREES = st.recursive(
    LINES,
    lambda inner: st.builds(
        lambda match, items: Group(match, tuple(items)),
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
).filter(lambda one: isinstance(one, Group))


@given(TREES, st.sampled_from([None, *(n / 2 for n in range(-1, 16))]))
def test_what_is_called_impossible_is_true_of_no_number(tree, value):
    if not can_hold(tree):
        assert evaluate(tree, EventFacts("t", NOON, NEW_YORK, {"f": value})).result is not True
