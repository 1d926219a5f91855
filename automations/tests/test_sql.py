"""The two readers of one condition tree agree: the evaluator over facts read in Python, and one SQL expression."""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, seed, settings

from automations.engine.conditions import evaluate, parse_group
from automations.engine.declare import catalog
from automations.engine.operators import operators_for
from automations.engine.text import fold
from automations.engine.values import EventFacts, Group
from automations.facts import read_patients
from automations.sql import COMPILERS, Bool, compile_group
from automations.tests.world_trees import moments_of, one_line_a_pair, trees
from automations.tests.worlds import YEARS, World, build, declared, extra_facts, patient_facts
from clinic.testing import PROOF, rounds
from clinic.text import fold as stored_fold
from patients.models import Patient

BUCHAREST = ZoneInfo("Europe/Bucharest")
EXAMPLES = rounds(40, 2_600)
"""Trees a zone, of eight; `make proof` asks 20,800, each of forty patients."""
ZONES = list(YEARS) if PROOF else ["Europe/Bucharest", "Australia/Lord_Howe", "America/Havana"]
"""The sample goes without those whose clocks do what these do too."""
LEAST = rounds(10, 20) / 100
"""The share of the verdicts that must be true, false and unknown: a proof over one answer proves nothing."""


def any_seed(test):
    """Leave the seed to chance: the long run looks for what no run before has tried."""
    return test


@pytest.fixture
def facts() -> Iterator[None]:
    with declared(extra_facts()):
        yield


@pytest.fixture
def world(facts: None, db: None, request: Any) -> World:
    return build(request.param)


def in_sql(world: World, group: Group, moment: datetime) -> dict[int, bool | None]:
    asked = Patient.objects.filter(pk__in=world.patients).order_by()
    with transaction.atomic():
        return dict(asked.annotate(answer=compile_group(group, moment, world.zone)).values_list("pk", "answer"))


def in_python(world: World, group: Group, moment: datetime) -> dict[int, bool | None]:
    asks = [(condition.field, condition.params) for condition in group.conditions()]
    with transaction.atomic():
        read = read_patients(world.patients, asks, moment)
    return {
        pk: evaluate(group, EventFacts("patient.onboarded", moment, world.zone, facts)).result
        for pk, facts in read.items()
    }


@pytest.mark.proof
@pytest.mark.parametrize("world", ZONES, indirect=True)
def test_python_and_sql_agree_on_every_tree(world, record_property):
    verdicts: Counter[bool | None] = Counter()
    asked = 0

    @(any_seed if PROOF else seed(17))
    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(tree=trees(world), moment=moments_of(world))
    def agree(tree, moment):
        nonlocal asked  # only what has agreed counts
        group = parse_group(tree, patient_facts())
        expected = in_python(world, group, moment)
        assert in_sql(world, group, moment) == expected
        asked += 1
        verdicts.update(expected.values())

    agree()

    total = sum(verdicts.values())
    shares = {name: verdicts[answer] / total for name, answer in (("true", True), ("false", False), ("unknown", None))}
    told = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    record_property("counted", f"{world.zone}: {asked:,} trees, {total:,} verdicts: {told}")
    assert asked >= EXAMPLES
    assert all(share >= LEAST for share in shares.values()), shares


@pytest.mark.proof
@pytest.mark.parametrize("world", ZONES, indirect=True)
def test_python_and_sql_agree_on_every_operator_of_every_fact(world):
    used: set[tuple[str, str]] = set()

    @(any_seed if PROOF else seed(17))
    @settings(max_examples=rounds(1, 4), database=None, suppress_health_check=list(HealthCheck))
    @given(lines=one_line_a_pair(world), moment=moments_of(world))
    def agree(lines, moment):
        for line in lines:
            group = parse_group({"match": "all", "items": [line]}, patient_facts())
            assert in_sql(world, group, moment) == in_python(world, group, moment), line
            used.add((line["field"], line["op"]))

    agree()

    every = {(key, op) for key, fact in patient_facts().items() for op in operators_for(fact.type.value)}
    assert used == every


ASKED_OF_ANY = {
    "number": [7, 0, -1, 0.5],
    "pair": [[-1, 7]],
    "text": ["strasse", "7", "2026", "a"],
    "text_or_flag": [True, False, "STRASSE", "7"],
    "members": [["vip"], ["naïve", "vip"], ["7", "Straße"], ["a"]],
    "day": ["2026-11-24", "1956-02-29", "2026-07-15"],
    "span": [{"amount": 1, "unit": "days"}, {"amount": 1_200, "unit": "months"}],
    "nothing": [None],
}


@pytest.mark.parametrize("world", ["Europe/Bucharest"], indirect=True)
def test_both_readers_agree_on_every_operator_of_json_of_every_type(world):
    [moment, *_rest] = world.moments
    asked = [
        {"field": "patient.x_answer", "op": op.key} | ({} if value is None else {"value": value})
        for op in operators_for("any").values()
        for value in ASKED_OF_ANY[op.takes]
    ]
    for one in asked:
        group = parse_group({"match": "all", "items": [one]}, patient_facts())
        expected = in_python(world, group, moment)
        assert in_sql(world, group, moment) == expected, one
        if "value" in one:
            assert None in expected.values(), one
            assert set(expected.values()) - {None}, one


@pytest.mark.parametrize("world", ["Europe/Bucharest"], indirect=True)
def test_texts_of_json_without_a_folded_form_are_refused_in_sql(world):
    catalog.facts["patient.x_answer"] = replace(catalog.facts["patient.x_answer"], folded=None)
    group = parse_group(
        {"match": "all", "items": [{"field": "patient.x_answer", "op": "is", "value": "left"}]}, patient_facts()
    )
    with pytest.raises(KeyError, match="keeps no folded text"):
        in_sql(world, group, world.moments[0])


@pytest.mark.parametrize("world", ["Europe/Bucharest"], indirect=True)
def test_the_proof_would_notice_a_reader_that_takes_unknown_for_false(world, monkeypatch):
    rightly = COMPILERS["text", "is"]
    monkeypatch.setitem(COMPILERS, ("text", "is"), lambda e, v: Bool("coalesce(%(expressions)s, false)", rightly(e, v)))
    group = parse_group(
        {"match": "none", "items": [{"field": "patient.city", "op": "is", "value": "Iași"}]}, patient_facts()
    )
    answers, expected = in_sql(world, group, world.moments[0]), in_python(world, group, world.moments[0])
    unknown = {pk for pk, answer in expected.items() if answer is None}
    assert unknown
    assert {pk for pk in expected if answers[pk] != expected[pk]} == unknown


def test_every_operator_has_its_sql():
    operators = [op for fact in catalog.facts.values() for op in operators_for(fact.type.value).values()]
    wanted = {(op.type, op.key) for op in operators if op.type != "date" and "empty" not in op.key}
    assert wanted <= set(COMPILERS)


def test_a_tree_without_conditions_is_true_of_everybody(patient):
    for match in ("all", "any", "none"):
        [answer] = Patient.objects.annotate(
            answer=compile_group(Group(match), patient.registered_at, BUCHAREST)
        ).values_list("answer", flat=True)
        assert answer is True


def test_a_fact_of_an_event_cannot_be_asked_of_a_patient(patient):
    group = parse_group(
        {"match": "all", "items": [{"field": "appointment.series_position", "op": "eq", "value": 1}]}, catalog.facts
    )
    with pytest.raises(KeyError, match="belongs to an event"):
        compile_group(group, patient.registered_at, BUCHAREST)


def test_the_stored_and_the_asked_text_fold_alike():
    """Every character of Unicode, alone and after another: both readers must see one text."""
    texts = [
        text
        for point in range(sys.maxunicode + 1)
        if not 0xD800 <= point <= 0xDFFF
        for text in (chr(point), f"a{chr(point)}", f"Σ{chr(point)}")
    ]
    differing = [
        text
        for some in (texts[first : first + 1_000] for first in range(0, len(texts), 1_000))
        if fold(";".join(some)) != stored_fold(";".join(some))  # a semicolon folds with nothing
        for text in some
        if fold(text) != stored_fold(text)
    ]
    assert differing == [], unicodedata.unidata_version
