"""The steps that a match becomes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations.engine.plan import Situation, plan, schedule, step_key
from automations.engine.schema import parse_rule
from automations.engine.values import Reason, Relative

from .cast import CATALOG, NEW_YORK, NOON, event, proved, rule

STARTS_AT = NOON + timedelta(days=3)
ANCHORS = {"appointment.starts_at": STARTS_AT}
EMAIL = {"type": "send_email", "template": "x"}
WAIT = {
    "mode": "wait_for",
    "trigger": "appointment.summary_released",
    "within": {"amount": 3, "unit": "days"},
    "otherwise": "task",
}


def before(amount, unit="hours", **more):
    shift = {"mode": "relative", "amount": amount, "unit": unit, "direction": "before"}
    return {**shift, "anchor": "appointment.starts_at", **more}


def planned(*actions, now=NOON, **situation):
    spec = parse_rule(rule(actions=list(actions)), CATALOG)
    return plan(7, spec, 812, event(), CATALOG, now=now, **situation)


def states(steps):
    return [(step.state, step.reason_code) for step in steps]


def test_each_enabled_action_becomes_one_step_with_its_own_key():
    steps = planned(
        {"type": "require_form", "form": "f"},
        {**EMAIL, "disabled": True},
        {**EMAIL, "to": "specialist", "id": "tell"},
        {"type": "create_task", "title": "Call", "assign_to": "front_desk"},
    )
    assert [step.key for step in steps] == ["812:7:a1:patient:0", "812:7:tell:specialist:0", "812:7:a3:front_desk:0"]
    assert [(step.action, step.role, step.state) for step in steps] == [
        ("require_form", "patient", "pending"),
        ("send_email", "specialist", "pending"),
        ("create_task", "front_desk", "pending"),
    ]
    assert {step.due_at for step in steps} == {NOON}
    assert [step.not_after for step in steps] == [None, NOON + timedelta(hours=72), None]


def test_a_step_before_its_anchor_is_due_and_expires_there():
    (step,) = planned({**EMAIL, "timing": before(24)}, anchors=ANCHORS, appointment_starts_at=STARTS_AT)
    assert (step.due_at, step.not_after) == (STARTS_AT - timedelta(hours=24), STARTS_AT)
    assert (step.anchor, step.state) == ("appointment.starts_at", "pending")


def test_too_near_is_skipped_unless_it_may_go_at_once():
    skipped, sent = planned(
        {**EMAIL, "timing": before(4, "days")},
        {**EMAIL, "timing": before(4, "days", if_late="send_now")},
        anchors=ANCHORS,
    )
    assert (skipped.state, skipped.reason_code, skipped.due_at) == (
        "skipped",
        "too_late",
        STARTS_AT - timedelta(days=4),
    )
    assert (sent.state, sent.due_at, sent.not_after) == ("pending", NOON, STARTS_AT)


def test_an_engine_that_was_down_skips_no_reminder():
    (step,) = planned({**EMAIL, "timing": before(71)}, anchors=ANCHORS, now=NOON + timedelta(hours=2))
    assert (step.state, step.due_at) == ("pending", NOON + timedelta(hours=1))


def test_a_reminder_planned_after_the_appointment_began_is_expired():
    now = STARTS_AT + timedelta(minutes=1)
    (step,) = planned({**EMAIL, "timing": before(1)}, anchors=ANCHORS, now=now)
    assert (step.state, step.reason_code) == ("expired", "too_late")


def test_an_anchor_without_a_value_skips_the_step():
    (step,) = planned({**EMAIL, "timing": before(1)}, anchors={"appointment.starts_at": None})
    assert (step.state, step.reason_code) == ("skipped", "no_anchor")


@pytest.mark.parametrize("unit", ["hours", "days", "weeks", "months"])
@pytest.mark.parametrize("direction", ["before", "after"])
def test_an_anchor_at_an_end_of_the_calendar_skips_the_step_and_spares_the_rest(direction, unit):
    day = (1, 1, 1) if direction == "before" else (9999, 12, 31, 23, 59, 59)
    timing = {**before(1, unit), "direction": direction}
    steps = planned({**EMAIL, "timing": timing}, EMAIL, anchors={"appointment.starts_at": datetime(*day, tzinfo=UTC)})
    assert states(steps) == [("skipped", "no_anchor"), ("pending", "")]


def test_a_message_due_at_the_end_of_the_calendar_expires_there():
    last = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    timing = {**before(1), "direction": "after"}
    (step,) = planned({**EMAIL, "timing": timing}, anchors={"appointment.starts_at": last - timedelta(hours=2)})
    assert (step.state, step.not_after) == ("pending", last)


@pytest.mark.parametrize(("late", "expected"), [(24, ("pending", "")), (24.01, ("expired", "stale_event"))])
def test_a_patient_message_over_24_hours_late_is_stale(late, expected):
    assert states(planned(EMAIL, now=NOON + timedelta(hours=late))) == [expected]


def test_what_is_no_patient_message_is_not_stale():
    task = {"type": "create_task", "title": "Call", "assign_to": "front_desk"}
    now = NOON + timedelta(days=30)
    assert states(planned(task, {"type": "require_form", "form": "f", "notify": False}, now=now)) == [
        ("pending", ""),
        ("pending", ""),
    ]
    assert states(planned({**EMAIL, "to": "specialist"}, now=now)) == [("expired", "too_late")]


def test_waiting_has_a_deadline_and_ends_at_once_when_it_happened_already():
    (waiting,) = planned({**EMAIL, "timing": WAIT})
    assert (waiting.waiting_for, waiting.due_at) == ("appointment.summary_released", NOON + timedelta(days=3))
    (ready,) = planned({**EMAIL, "timing": WAIT}, happened=frozenset({"appointment.summary_released"}))
    assert (ready.waiting_for, ready.due_at) == (None, NOON)


def test_a_stop_that_is_recorded_already_cancels_every_step():
    steps = planned(EMAIL, {**EMAIL, "timing": before(90)}, anchors=ANCHORS, stopped_by="appointment.cancelled")
    assert states(steps) == [("cancelled", "stopped"), ("cancelled", "stopped")]
    assert steps[0].reason_text == "“appointment.cancelled” came first."


def test_reasons_call_triggers_and_anchors_what_the_caller_calls_them():
    labels = {"appointment.cancelled": "Visit cancelled", "appointment.starts_at": "the visit begins"}
    said = {"named": labels.__getitem__}
    (stopped,) = planned(EMAIL, stopped_by="appointment.cancelled", **said)
    (without,) = planned({**EMAIL, "timing": before(24)}, **said)
    assert stopped.reason_text == "“Visit cancelled” came first."
    assert without.reason_text == "No date is noted for “the visit begins”."


def test_a_hold_keeps_what_would_be_pending_and_nothing_else():
    steps = planned(
        EMAIL, {**EMAIL, "timing": before(90)}, anchors=ANCHORS, hold=Reason("review", "Waits for a person.")
    )
    assert states(steps) == [("held", "review"), ("skipped", "too_late")]


def test_an_action_that_is_gone_is_an_error_of_the_rule():
    spec = parse_rule(rule(actions=[EMAIL]), CATALOG)
    catalog = type(CATALOG)()
    with pytest.raises(KeyError):
        plan(7, spec, 812, event(), catalog, now=NOON)


def test_a_moved_anchor_is_judged_at_the_move():
    moved = NOON + timedelta(days=2)
    situation = Situation(occurred_at=NOON, zone=NEW_YORK, now=moved, anchors=ANCHORS, judged_at=moved)
    email = CATALOG.actions["send_email"]
    near = schedule(email, {"to": "patient"}, Relative(25, "hours", "before", "appointment.starts_at"), situation)
    far = schedule(email, {"to": "patient"}, Relative(23, "hours", "before", "appointment.starts_at"), situation)
    assert (near.state, near.reason_code) == ("skipped", "too_late")
    said = f"{(STARTS_AT - timedelta(hours=25)).astimezone(NEW_YORK):%Y-%m-%d %H:%M}"  # as the clinic's wall has it
    assert near.reason_text == f"It was due at {said}, before there was a reason for it."
    assert (far.state, far.due_at) == ("pending", STARTS_AT - timedelta(hours=23))


def test_the_key_changes_with_the_anchor_epoch_only_where_it_should():
    assert step_key(812, 7, "a1", "patient", 1) == "812:7:a1:patient:1"


@proved()
@given(
    st.permutations([EMAIL, {**EMAIL, "to": "specialist"}, {"type": "require_form", "form": "f"}]),
    st.integers(0, 200),
)
def test_neither_order_nor_edits_change_the_keys_of_the_actions_that_stay(order, hours):
    first = parse_rule(rule(actions=[{**one, "id": f"x{number}"} for number, one in enumerate(order)]), CATALOG)
    now = datetime(2026, 11, 24, 17, tzinfo=UTC) + timedelta(hours=hours)
    edited = [
        {
            "id": one.id,
            "type": one.type,
            **one.params,
            "note": "edited",
            "timing": {"mode": "delay", "amount": 1, "unit": "days"},
        }
        for one in reversed(first.actions)
    ]
    second = parse_rule(rule(actions=edited), CATALOG)
    keys = {step.key for step in plan(7, first, 812, event(), CATALOG, now=now)}
    assert {step.key for step in plan(7, second, 812, event(), CATALOG, now=now)} == keys
    assert len(keys) == 3
