"""A rule's hourly cap: what is more than that waits for a person, and the rule is paused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from automations import lifecycle, ticking
from automations.models import Rule
from automations.tests.builders import move, published, states, titles, visit
from clinic import clock
from patients.models import Patient

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = "The rule ran 3 times within an hour, which is its limit."


@pytest.fixture
def rule(clinic):
    return published(clinic, settings={"hourly_cap": 3})


def complete(clinic, count, *, at_once=True):
    """Complete a visit of so many patients, in one batch or one after the other."""
    for number in range(count):
        patient = Patient.objects.create(clinic=clinic, given_name=f"P{number}")
        move(visit(patient), status="completed")
        if not at_once:
            ticking.drain_all()
    ticking.drain_all()


def mode(rule):
    rule.refresh_from_db()
    return rule.mode, rule.mode_reason


DONE, HELD = ("a1", "done", ""), ("a1", "held", "paused")


@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_over_the_cap_is_held_and_the_rule_paused(clinic, rule, at_once):
    complete(clinic, 6, at_once=at_once)
    assert states(rule) == [DONE] * 3 + [HELD] * 3
    assert titles() == ["Call"] * 3
    assert mode(rule) == (Rule.Mode.PAUSED, LIMIT)
    assert AuditEntry.objects.filter(action="rule.paused", detail={"why": "hourly_cap"}).count() == 1


def test_up_to_the_cap_nothing_is_paused(clinic, rule):
    complete(clinic, 3)
    assert (states(rule), mode(rule)) == ([DONE] * 3, (Rule.Mode.ON, ""))


def test_an_hour_later_there_is_room_again(clinic, rule):
    complete(clinic, 3)
    clock.advance_to(clock.now() + timedelta(minutes=61))
    complete(clinic, 3)
    assert (states(rule), mode(rule)) == ([DONE] * 6, (Rule.Mode.ON, ""))


def test_another_rule_goes_on(clinic, rule):
    other = published(clinic, name="Other")
    complete(clinic, 5)
    assert (states(other), mode(other)) == ([DONE] * 5, (Rule.Mode.ON, ""))


@pytest.mark.parametrize(("overdue", "left"), [("run", DONE), ("skip", ("a1", "skipped", "paused"))])
def test_on_resume_a_person_says_what_becomes_of_the_rest(clinic, rule, overdue, left):
    complete(clinic, 5)
    lifecycle.resume(rule, overdue=overdue)
    ticking.drain_all()
    assert states(rule) == [DONE] * 3 + [left] * 2
