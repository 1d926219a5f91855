"""Facts of which only the family is declared: any name may stand for a member."""

import pytest

from automations.engine.conditions import parse_group
from automations.engine.declare import Fact, Facts, FactType
from automations.engine.problems import RuleInvalid

FAMILY = Fact(
    key="event.*",
    label="Sent",
    type=FactType.any,
    doc="What was sent.",
    example={"field": "event.steps", "op": "lt", "value": 3},
    subject="event",
    family=True,
    value=lambda view: view,
)
EXACT = Fact(
    key="event.kind", label="Kind", type=FactType.text, doc="Its kind.", example={}, value=lambda view: "exact"
)


@pytest.fixture
def facts():
    return Facts({"event.*": FAMILY, "event.kind": EXACT})


def test_a_member_is_named_after_itself_and_reads_its_own_value(facts):
    member = facts["event.steps"]
    assert (member.key, member.label, member.member_of, member.family) == ("event.steps", "steps", "event.*", False)
    assert (member.value({"steps": 3}), member.value({"mood": 1})) == (3, None)


def test_a_fact_of_that_very_name_comes_first(facts):
    assert facts["event.kind"] is EXACT


@pytest.mark.parametrize(
    "key", ["event.", "event.a b", "event.1", "event.a.b", "event", "events.x", "", "*", "event.é"]
)
def test_what_is_no_name_of_a_member_is_unknown(facts, key):
    assert key not in facts
    assert facts.get(key) is None
    with pytest.raises(KeyError):
        facts[key]


def test_only_what_is_declared_is_listed(facts):
    assert (list(facts), len(facts)) == (["event.*", "event.kind"], 2)


def test_a_condition_may_ask_for_a_member_and_not_for_the_family(facts):
    asked = {"match": "all", "items": [{"field": "event.steps", "op": "gte", "value": 3}]}
    [condition] = parse_group(asked, facts).conditions()
    assert (condition.field, condition.key, condition.type) == ("event.steps", "event.steps", "number")
    asked["items"][0]["field"] = "event.*"
    with pytest.raises(RuleInvalid):
        parse_group(asked, facts)
