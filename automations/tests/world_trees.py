"""Condition trees about the diverse patients, and moments to ask them at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from automations.engine.declare import Fact, Param
from automations.engine.moments import UNITS
from automations.engine.operators import operators_for
from automations.engine.text import fold
from automations.tests.form_answers import QUESTIONS
from automations.tests.worlds import SLUGS, TEXTS, WORDS, World, patient_facts


def moments_of(world: World) -> st.SearchStrategy[datetime]:
    """Ask at the moments of the world, and just before and after."""
    spans = (timedelta(0), timedelta(microseconds=1), timedelta(hours=1), timedelta(hours=25), timedelta(days=30))
    nudges = st.sampled_from([*spans, *(-one for one in spans)])
    return st.builds(lambda moment, nudge: moment + nudge, st.sampled_from(world.moments), nudges)


def trees(world: World) -> st.SearchStrategy[dict[str, Any]]:
    """Make valid condition trees: every fact, operator and parameter, groups nested up to four deep."""
    days = sorted({moment.astimezone(world.zone).date() for moment in world.moments})
    lines = st.sampled_from(sorted(patient_facts().values(), key=lambda fact: fact.key)).flatmap(
        lambda fact: _lines(fact, days)
    )

    def group(items: Any) -> Any:
        return st.fixed_dictionaries(
            {
                "field": st.just("group"),
                "match": st.sampled_from(("all", "any", "none")),
                "items": st.lists(items, min_size=1, max_size=3),
            }
        )

    inner = st.recursive(lines, group, max_leaves=8)
    matches = st.sampled_from(("all", "any", "none"))
    return st.fixed_dictionaries({"match": matches, "items": st.lists(inner, min_size=1, max_size=3)})


def one_line_a_pair(world: World) -> st.SearchStrategy[tuple[dict[str, Any], ...]]:
    """Make one valid line for every fact with every operator that it has."""
    days = sorted({moment.astimezone(world.zone).date() for moment in world.moments})
    facts = sorted(patient_facts().values(), key=lambda fact: fact.key)
    pairs = [(fact, op) for fact in facts for op in operators_for(fact.type.value).values()]
    return st.tuples(*(_line(fact, op.key, op.takes, days) for fact, op in pairs))


def _lines(fact: Fact, days: list[date]) -> st.SearchStrategy[dict[str, Any]]:
    operators = operators_for(fact.type.value)
    # Being empty is never unknown, and half of a patient's record is: ask it less often than the comparisons.
    weighted = [op for key, op in operators.items() for _ in range(1 if "empty" in key else 3)]
    return st.sampled_from(weighted).flatmap(lambda op: _line(fact, op.key, op.takes, days))


def _line(fact: Fact, op: str, takes: str, days: list[date]) -> st.SearchStrategy[dict[str, Any]]:
    required: dict[str, Any] = {"field": st.just(fact.key), "op": st.just(op)}
    if takes != "nothing":
        required["value"] = _operand(fact, takes, days)
    required |= {param.name: _param(param) for param in fact.params if param.required}
    optional = {param.name: _param(param) for param in fact.params if not param.required}
    return st.fixed_dictionaries(required, optional=optional)


def _operand(fact: Fact, takes: str, days: list[date]) -> st.SearchStrategy[Any]:
    numbers = st.one_of(
        st.integers(0, 3),
        st.sampled_from((0, 1, 16, 18, 64, 65, 66, 5 / 7, 10**12, -1, 0.5, 64.999)),
        st.floats(-100, 100, allow_nan=False),
    )
    texts = st.one_of(
        st.sampled_from(TEXTS), st.sampled_from(("ia", "st", "%", "_", "os", "\u0301x")), st.text(max_size=3)
    )
    usable = texts.filter(_means_something)
    members = st.sampled_from(_members(fact))
    near = st.builds(lambda day, shift: day + timedelta(shift), st.sampled_from(days), st.integers(-2, 2))
    kinds: Mapping[str, st.SearchStrategy[Any]] = {
        "number": numbers,
        "pair": st.lists(numbers, min_size=2, max_size=2).map(sorted),
        "text": usable,
        "texts": st.lists(usable, min_size=1, max_size=3),
        "members": st.lists(members, min_size=1, max_size=3),
        "flag": st.booleans(),
        "text_or_flag": st.one_of(usable, st.booleans()),
        "day": st.one_of(near, st.dates(date(1800, 1, 1), date(2200, 12, 31))).map(str),
        "span": spans(),
    }
    return kinds[takes]


def _means_something(text: str) -> bool:
    return (
        bool(text.strip())
        and bool(fold(text).strip())
        and not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text)
    )


def _members(fact: Fact) -> list[str]:
    known = [value for value, _label in fact.choices] or [*SLUGS.get(fact.reference or "", WORDS)]
    return known if fact.choices else [*known, "nobody", "Naïve", "\U0001f600"]


def spans() -> st.SearchStrategy[dict[str, Any]]:
    """Make stretches of time of every unit, short ones and the longest allowed."""
    short = {"minutes": (1, 60), "hours": (1, 23, 24, 25), "days": (1, 2, 30), "weeks": (1, 4), "months": (1, 3, 12)}
    long = {"minutes": 1_000_000, "hours": 100_000, "days": 40_000, "weeks": 6_000, "months": 1_200}
    return st.sampled_from(UNITS).flatmap(
        lambda unit: st.fixed_dictionaries(
            {"amount": st.sampled_from((*short[unit], *short[unit], long[unit])), "unit": st.just(unit)}
        )
    )


def _param(param: Param) -> st.SearchStrategy[Any]:
    if param.type == "window":
        return spans()
    if param.type == "text":
        return st.sampled_from((*QUESTIONS, "nobody-asked"))
    values: Any = [value for value, _label in param.choices] or [*SLUGS[param.reference or ""], "nothing-like-it"]
    return st.lists(st.sampled_from(values), min_size=1, max_size=3) if param.many else st.sampled_from(values)
