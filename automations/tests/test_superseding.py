"""What a rule planned for an earlier event and has not sent is void once a newer one of its subject takes its place."""

from datetime import timedelta

import pytest

from automations import lifecycle, ticking
from automations.models import Step
from automations.tests.builders import Jot, move, published, states, titles, visit
from clinic import clock

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def later(title, hours):
    return {"type": "jot", "title": title, "timing": {"mode": "delay", "amount": hours, "unit": "hours"}}


@pytest.fixture
def rule(clinic):
    """A rule on moved visits: at once, and in five hours."""
    Jot.withdrawn.clear()
    return published(clinic, "appointment.rescheduled", {"type": "jot", "title": "New time"}, later("Well?", 5))


def moved(booked, days):
    return move(booked, starts_at=booked.starts_at + days * DAY)


def test_a_second_move_withdraws_the_first_message_and_cancels_what_was_planned(rule, patient):
    booked = moved(visit(patient), 1)
    ticking.drain_engine()
    first = Step.objects.get(action_id="a1").pk
    moved(booked, 1)
    ticking.drain_engine()
    assert Jot.withdrawn == [first]
    assert states(rule) == [
        ("a1", "done", ""),
        ("a2", "cancelled", "stopped"),
        ("a1", "done", ""),
        ("a2", "pending", ""),
    ]


def test_of_two_moves_matched_together_only_the_last_acts(rule, patient):
    moved(moved(visit(patient), 1), 1)
    ticking.drain_engine()
    assert [state for _, state, _ in states(rule)] == ["cancelled", "cancelled", "done", "pending"]
    assert titles() == ["New time"]


def test_another_visits_message_stands(rule, patient):
    moved(visit(patient), 1)
    ticking.drain_engine()
    moved(visit(patient), 1)
    ticking.drain_engine()
    assert Jot.withdrawn == []
    assert [state for _, state, _ in states(rule)] == ["done", "pending"] * 2


def test_a_move_that_the_rule_does_not_answer_leaves_the_first_message_standing(clinic, patient):
    far = {"match": "all", "items": [{"field": "appointment.hours_moved", "op": "gte", "value": 24}]}
    rule = published(clinic, "appointment.rescheduled", later("New time", 5), conditions=far)
    booked = moved(visit(patient), 2)
    ticking.drain_engine()
    moved(booked, 0.01)
    ticking.drain_engine()
    assert states(rule) == [("a1", "pending", "")]


def test_other_triggers_do_not_supersede(clinic, patient):
    rule = published(clinic, "appointment.confirmed", later("Prepare", 5))
    booked = move(visit(patient), status="confirmed")
    ticking.drain_engine()
    move(move(booked, status="booked"), status="confirmed")
    ticking.drain_engine()
    assert "pending" in [state for _, state, _ in states(rule)]


# --- archiving ---


def test_archiving_a_rule_cancels_what_it_plans_and_withdraws_what_it_has_not_sent(rule, patient):
    moved(visit(patient), 1)
    ticking.drain_engine()
    done = Step.objects.get(action_id="a1").pk
    lifecycle.archive(rule)
    assert states(rule) == [("a1", "done", ""), ("a2", "cancelled", "stopped")]
    assert Jot.withdrawn == [done]
    clock.advance_by(DAY)
    ticking.drain_engine()
    assert titles() == ["New time"]
