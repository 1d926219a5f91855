"""The one validator, attacked: hostile data, and rules that were written, read and spoiled."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations.engine.conditions import parse_group
from automations.engine.problems import RuleInvalid
from automations.engine.schema import parse_rule, spec_to_json

from .cast import CATALOG, proved, rule
from .refusals import problems
from .strategies import group_json

FACTS = CATALOG.facts_for("appointment.completed")
EMAIL = {"type": "send_email", "template": "x"}


def nested(levels, leaf=None):
    data = leaf
    for _level in range(levels):
        data = [data]
    return data


def groups(levels):
    data = {"match": "all", "items": []}
    for _level in range(levels):
        data = {"match": "all", "items": [{"field": "group", **data}]}
    return data


class Odd:
    """Something that is no JSON."""


HOSTILE = [
    rule(conditions=nested(1_000)),
    rule(conditions=groups(1_000)),
    rule(actions=nested(100_000)),
    rule(actions=[{**EMAIL, "note": "x" * 10_000_000}]),
    rule(**{"x" * 1_000_000: 1}),
    rule(conditions={"match": "all", "items": [[]] * 100_000}),
    rule(actions=[{**EMAIL, "note": "\x00"}]),
    rule(**{"\x00": 1}),
    rule(**{"\ud800": 1}),
    {**rule(), 7: 1, None: 2, 10**9000: 3},
    rule(actions=[{**EMAIL, (1, 2): 3}]),
    rule(settings={"hourly_cap": 10**9000}),
    rule(settings={"hourly_cap": -(10**9000)}),
    rule(conditions=Odd()),
    rule(actions=[{**EMAIL, "note": Odd()}]),
    rule(actions=({**EMAIL},)),
    rule(actions=[{**EMAIL, "note": b"x"}]),
    rule(actions=[{**EMAIL, "note": {1, 2}}]),
    "x" * 10_000_000,
    float("nan"),
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_data_is_refused_and_nothing_else_happens(data):
    with pytest.raises(RuleInvalid) as caught:
        parse_rule(data, CATALOG)
    assert caught.value.errors
    json.dumps([one.as_json() for one in caught.value.errors]).encode()
    assert all(len(one.message) < 500 and len(one.path) < 2_000 for one in caught.value.errors)


def test_data_that_holds_itself_is_refused():
    loop = rule()
    loop["actions"].append(loop)
    assert problems(loop) == {"": "too_deep"}


@pytest.mark.parametrize("data", [nested(1_000), groups(1_000), "x" * 10_000_000])
def test_a_tree_alone_is_as_safe_as_a_rule(data):
    with pytest.raises(RuleInvalid):
        parse_group(data, FACTS)


# --- properties ---

AMOUNTS = st.integers(0, 400)
TIMINGS = st.one_of(
    st.none(),
    st.just({"mode": "immediately"}),
    st.builds(lambda a, u: {"mode": "delay", "amount": a, "unit": u}, AMOUNTS, st.sampled_from(["minutes", "hours"])),
    st.builds(
        lambda a, u, at: {"mode": "delay", "amount": a, "unit": u, "at": at},
        AMOUNTS,
        st.sampled_from(["days", "weeks", "months"]),
        st.one_of(st.none(), st.times().map(lambda one: one.strftime("%H:%M"))),
    ),
    st.builds(
        lambda a, d, late: {
            "mode": "relative",
            "amount": a,
            "unit": "hours",
            "direction": d,
            "anchor": "appointment.starts_at",
            "if_late": late,
        },
        AMOUNTS,
        st.sampled_from(["before", "after"]),
        st.sampled_from([None, "skip", "send_now"]),
    ),
    st.builds(
        lambda a, other: {
            "mode": "wait_for",
            "trigger": "appointment.summary_released",
            "within": {"amount": a + 1, "unit": "days"},
            "otherwise": other,
        },
        AMOUNTS,
        st.sampled_from([None, "skip", "task"]),
    ),
)
ACTIONS = st.builds(
    lambda kind, timing, only_if, extra: {**kind, "timing": timing, "only_if": only_if, **extra},
    st.sampled_from([EMAIL, {"type": "require_form", "form": "f"}, {**EMAIL, "to": "specialist"}]),
    TIMINGS,
    st.one_of(st.none(), group_json(FACTS)),
    st.fixed_dictionaries({}, optional={"note": st.text(alphabet="aé ✓", max_size=9), "disabled": st.booleans()}),
)
RULES = st.builds(
    lambda conditions, actions, settings: rule(conditions=conditions, actions=actions, settings=settings),
    group_json(FACTS),
    st.lists(ACTIONS, min_size=1, max_size=4),
    st.fixed_dictionaries(
        {},
        optional={
            "stop_on": st.one_of(st.none(), st.lists(st.sampled_from(sorted(CATALOG.triggers)), max_size=3)),
            "recheck": st.sampled_from([None, True, False]),
            "hourly_cap": st.sampled_from([None, 1, 100]),
            "reentry": st.sampled_from([{"mode": "every_time"}, {"mode": "once_per_days", "days": 9}]),
        },
    ),
)


@proved()
@given(RULES)
def test_a_rule_survives_being_written_and_read(data):
    spec = parse_rule(data, CATALOG)
    written = spec_to_json(spec)
    assert parse_rule(written, CATALOG) == spec
    assert parse_rule(json.loads(json.dumps(written)), CATALOG) == spec
    assert spec_to_json(parse_rule(written, CATALOG)) == written


JUNK = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(["group", "a\x00"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@st.composite
def spoiled(draw):
    """Take a valid rule and put junk somewhere in it."""
    data = json.loads(json.dumps(draw(RULES)))
    place = data
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            return data
        key = draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or draw(st.integers(0, 3)) == 0:
            place[key] = draw(JUNK)
            return data
        place = place[key]


@proved(400)
@given(spoiled())
def test_a_spoiled_rule_is_valid_or_refused_and_never_a_crash(data):
    try:
        spec = parse_rule(data, CATALOG)
    except RuleInvalid:
        return
    assert parse_rule(spec_to_json(spec), CATALOG) == spec
