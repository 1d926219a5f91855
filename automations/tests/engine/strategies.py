"""Strategies that make rules and events of the made-up clinic."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from automations.engine.declare import Catalog, Fact
from automations.engine.operators import operators_for
from automations.engine.values import EventFacts, fact_key, old_key

from .cast import CATALOG, NEW_YORK, NOON, line

WORDS = st.sampled_from(["Cluj", "cluj", "CLÚJ", "Łódź", "Lodz", "São Paulo", "sao", "x", "ﬁn", "İzmir"])
SLUGS = st.sampled_from(["a", "b", "c", "d"])
SEXES = st.sampled_from(["female", "male", "other"])
NUMBERS = st.one_of(st.integers(-3, 6), st.sampled_from([0.5, 2.5, 4.0]))
DAYS = st.integers(-40, 40).map(lambda n: (NOON + timedelta(days=n)).date().isoformat())
INSTANTS = st.integers(-60 * 24 * 40, 60 * 24 * 40).map(lambda n: (NOON + timedelta(minutes=n)).isoformat())
SPANS = st.fixed_dictionaries(
    {"amount": st.integers(1, 40), "unit": st.sampled_from(["minutes", "hours", "days", "weeks", "months"])}
)


def operands(fact: Fact, takes: str) -> st.SearchStrategy[Any]:
    """Make a valid value of a condition."""
    member = SEXES if fact.choices else SLUGS
    return {
        "number": NUMBERS,
        "pair": st.lists(NUMBERS, min_size=2, max_size=2).map(sorted),
        "text": WORDS,
        "texts": st.lists(WORDS, min_size=1, max_size=3),
        "members": st.lists(member, min_size=1, max_size=3),
        "flag": st.booleans(),
        "text_or_flag": st.one_of(WORDS, st.booleans()),
        "day": DAYS,
        "span": SPANS,
        "nothing": st.none(),
    }[takes]


@st.composite
def condition_json(draw: Any, facts: dict[str, Fact]) -> dict[str, Any]:
    """Write a valid condition of these facts."""
    fact = draw(st.sampled_from(sorted(facts.values(), key=lambda one: one.key)))
    op = draw(st.sampled_from(list(operators_for(fact.type.value, fact.change).values())))
    made = line(fact.key, op.key, draw(operands(fact, op.takes)))
    if op.takes == "nothing":
        del made["value"]
    if fact.params and draw(st.booleans()):
        made["window"] = draw(st.sampled_from([{"amount": 3, "unit": "months"}, {"amount": 2, "unit": "weeks"}]))
    return made


def group_json(facts: dict[str, Fact], empty: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    """Write a valid condition tree."""
    match = st.sampled_from(["all", "any", "none"])

    def grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.builds(
            lambda m, items: {"field": "group", "match": m, "items": items},
            match,
            st.lists(inner, min_size=1, max_size=3),
        )

    item = st.recursive(condition_json(facts), grow, max_leaves=6)
    return st.builds(
        lambda m, items: {"match": m, "items": items}, match, st.lists(item, min_size=0 if empty else 1, max_size=4)
    )


def fact_values(fact: Fact) -> st.SearchStrategy[Any]:
    """Make a value as facts carry it: of its type, unknown, or now and then of another type."""
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "number": NUMBERS,
        "text": st.one_of(WORDS, st.just("")),
        "choice": SEXES,
        "reference": SLUGS,
        "boolean": st.booleans(),
        "date": st.one_of(DAYS, INSTANTS),
        "list": st.lists(st.one_of(SLUGS, SEXES), max_size=3),
    }
    by_type["any"] = st.one_of(*by_type.values())
    odd = st.sampled_from(["?", 3, True, [], {}, float("nan"), [1]])
    return st.one_of(by_type[fact.type.value], by_type[fact.type.value], st.none(), odd)


@st.composite
def events(draw: Any, trigger: str, catalog: Catalog = CATALOG) -> EventFacts:
    """Make an event of a trigger, with every fact it offers (some left out)."""
    facts: dict[str, Any] = {}
    for fact in catalog.facts_for(trigger).values():
        keys = [fact.key]
        if fact.params:
            keys += [fact_key(fact.key, {"window": {"amount": 3, "unit": "months"}})]
        if fact.change:
            keys.append(old_key(fact.key))
        for key in keys:
            if draw(st.integers(0, 9)):
                facts[key] = draw(fact_values(fact))
    minutes = draw(st.integers(0, 60 * 24 * 3))
    return EventFacts(trigger, NOON + timedelta(minutes=minutes), NEW_YORK, facts)
