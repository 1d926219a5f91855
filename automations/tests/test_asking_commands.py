"""`manage.py explain`, `dry_run` and `backtest`."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from automations.models import Run
from automations.tests.builders import move, published, visit
from automations.ticking import drain_all

pytestmark = pytest.mark.django_db
OLDER = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 75}]}


@pytest.fixture
def rule(clinic, patient):
    made = published(clinic, name="Older", conditions=OLDER)
    move(visit(patient), status="completed")
    drain_all()
    return made


def said(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_explain_names_a_patient_by_either_id(rule, patient):
    for named in ("A-17", str(patient.pk)):
        text = said("explain", "--rule", "older", "--patient", named)
        assert "She is 69; the rule needs 75." in text
    assert not Run.objects.exists()


def test_explain_asks_what_if(rule):
    what_if = json.dumps({"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 60}]})
    text = said("explain", "--rule", "older", "--patient", "A-17", "--what-if", what_if)
    assert "with these conditions: it would run" in text
    assert "✓ Age is at least 60 (was 69)" in text
    for wrong in ("{", '{"match": "all"}', "[" * 5000):
        with pytest.raises(CommandError, match="--what-if"):
            said("explain", "--rule", "older", "--patient", "A-17", "--what-if", wrong)


def test_dry_run_says_verdict_and_steps(rule):
    text = said("dry_run", "--rule", "older", "--patient", "A-17", "--at", "2033-01-01T09:00+02:00")
    assert text.splitlines() == [
        "matched",
        "  ✓ Age is at least 75 (was 75)",
        "1. 1 Jan 2033 09:00 EET  jot: pending",
    ]
    assert said("dry_run", "--rule", "older", "--patient", "A-17").startswith(
        "not_matched: She is 69; the rule needs 75."
    )


def test_backtest_counts(rule):
    text = said("backtest", "--rule", "older", "--days", "7")
    assert text.startswith("1 events in 7 days: 0 matched, 0 would have run.")
    with pytest.raises(CommandError, match="--days"):
        said("backtest", "--rule", "older", "--days", "0")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["explain", "--rule", "nope", "--patient", "A-17"], "--rule: .*older"),
        (["explain", "--rule", "older", "--patient", "nope"], "--patient"),
        (["dry_run", "--rule", "older", "--patient", "A-17", "--at", "2026-12-01T09:00"], "--at"),
        (["dry_run", "--rule", "older", "--patient", "A-17", "--subject", "x"], "--subject"),
    ],
)
def test_what_is_wrong_is_named(rule, arguments, named):
    with pytest.raises(CommandError, match=named):
        said(*arguments)


def test_a_rule_of_two_clinics_needs_the_clinic(rule, other_clinic):
    published(other_clinic, name="Older")
    with pytest.raises(CommandError, match="--clinic"):
        said("explain", "--rule", "older", "--patient", "A-17")
    assert said("explain", "--rule", "older", "--clinic", "north", "--patient", "A-17")
