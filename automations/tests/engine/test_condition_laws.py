"""Laws that every condition tree obeys."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from automations.engine.bounds import date_bounds
from automations.engine.conditions import evaluate, parse_group
from automations.engine.moments import shift_day
from automations.engine.text import fold
from automations.engine.values import Group
from automations.engine.wire import group_to_json

from .asking import FACTS, ask
from .cast import NEW_YORK, event, proved
from .strategies import SPANS, condition_json, events, fact_values, group_json


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
