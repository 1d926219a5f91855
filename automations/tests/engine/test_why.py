"""What stands in the way of a verdict: compared with trying every way to change the lines."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from automations.engine.conditions import combine
from automations.engine.values import Condition, ConditionVerdict, Verdict
from automations.engine.why import Need, Needs, needs


def line(result, name="a"):
    return ConditionVerdict(Condition(name, "eq", 1, {}, name, "number"), None, result)


def group(match, *items):
    return Verdict(match, combine(match, (item.result for item in items)), items)


TREES = st.recursive(
    st.sampled_from([True, False, None]).map(line),
    lambda inner: st.builds(
        lambda match, items: group(match, *items),
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
).filter(lambda one: isinstance(one, Verdict))


def test_a_true_verdict_needs_nothing():
    assert needs(group("all", line(True))) == Needs("all")
    assert needs(Verdict("all", True)) == Needs("all")


def test_of_all_each_that_fails_or_is_unknown_must_hold():
    failing, unknown = line(False), line(None)
    assert needs(group("all", line(True), failing, unknown)) == Needs("all", (Need(failing, True), Need(unknown, True)))


def test_of_any_one_is_enough():
    one, two = line(False), line(None)
    assert needs(group("any", one, two)) == Needs("any", (Need(one, True), Need(two, True)))


def test_of_none_each_must_stop_holding():
    holds = line(True)
    assert needs(group("none", holds, line(False))) == Needs("all", (Need(holds, False),))


def test_a_group_inside_none_is_turned_around():
    one, two = line(True), line(True)
    inner = group("all", one, two)
    assert needs(group("none", inner)) == Needs("any", (Need(one, False), Need(two, False)))


def ways(found):
    """Return the sets of lines (by identity) of which changing all makes the verdict true."""
    if isinstance(found, Need):
        return [{id(found.line): found.holds}]
    if found.match == "any":
        return [way for item in found.items for way in ways(item)]
    result = [{}]
    for item in found.items:
        result = [{**one, **way} for one in result for way in ways(item)]
    return result


def changed(item, to):
    if isinstance(item, ConditionVerdict):
        return to.get(id(item), item.result)
    return combine(item.match, [changed(one, to) for one in item.items])


def leaves(item):
    return [item] if isinstance(item, ConditionVerdict) else [leaf for one in item.items for leaf in leaves(one)]


def relined(item):
    """Give every line an identity of its own."""
    if isinstance(item, ConditionVerdict):
        return line(item.result)
    return Verdict(item.match, item.result, tuple(relined(one) for one in item.items))


@given(TREES.map(relined))
def test_each_way_makes_it_true_and_no_smaller_part_of_a_way_does(tree):
    if tree.result is True:
        return
    for way in ways(needs(tree)):
        assert changed(tree, way) is True
        for size in range(len(way)):
            for part in combinations(way.items(), size):
                assert changed(tree, dict(part)) is not True
