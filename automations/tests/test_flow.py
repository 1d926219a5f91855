"""From a record that changes to an effect, in one process and on a real database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automations import lifecycle, ticking
from automations.models import Event, Rule, Run, Step
from automations.tests.builders import Jot, move, published, service, states, titles, visit
from clinic import clock
from clinic.changes import silently

pytestmark = pytest.mark.django_db(transaction=True)


def later(**span: int) -> None:
    """Walk the clock forward, doing what is due on the way."""
    list(ticking.walk_to(clock.now() + timedelta(**span)))


def test_a_completed_visit_becomes_a_task(clinic, patient):
    rule = published(clinic)
    visit_ = visit(patient)
    move(visit_, status="completed")

    ticking.drain_all()

    event = Event.objects.get(trigger="appointment.completed")
    assert (event.state, event.subject_id, event.data["old"], event.facts["appointment.service"]) == (
        "matched",
        visit_.pk,
        {"status": "booked"},
        "initial-evaluation",
    )
    run = Run.objects.get(rule=rule)
    assert (run.outcome, run.verdict) == ("matched", {"match": "all", "result": True, "items": []})
    assert states(rule) == [("a1", "done", "")]
    assert titles() == ["Call"]


def test_saving_again_fires_nothing(clinic, patient):
    published(clinic)
    completed = move(visit(patient), status="completed")
    completed.save()
    completed.save()
    ticking.drain_all()
    assert Event.objects.filter(trigger="appointment.completed").count() == 1
    assert titles() == ["Call"]


def test_a_condition_that_does_not_hold_leaves_no_run(clinic, patient):
    service(clinic, "follow-up")
    items = [{"field": "appointment.service", "op": "is_any_of", "value": ["follow-up"]}]
    rule = published(clinic, conditions={"match": "all", "items": items})
    move(visit(patient), status="completed")
    ticking.drain_all()
    assert Run.objects.filter(rule=rule).count() == 0
    assert titles() == []


def test_a_rule_of_another_clinic_answers_nothing(clinic, other_clinic, patient):
    published(other_clinic)
    move(visit(patient), status="completed")
    ticking.drain_all()
    assert Run.objects.count() == 0


def test_an_event_before_the_publishing_does_not_count(clinic, patient):
    move(visit(patient), status="completed")
    published(clinic)
    ticking.drain_all()
    assert Run.objects.count() == 0


def test_a_delay_of_two_weeks_runs_in_two_weeks(clinic, patient):
    action = {"type": "jot", "title": "Book again", "timing": {"mode": "delay", "amount": 2, "unit": "weeks"}}
    rule = published(clinic, "appointment.completed", action)
    move(visit(patient), status="completed")
    later(days=13)
    assert titles() == []
    later(days=2)
    assert titles() == ["Book again"]
    assert states(rule) == [("a1", "done", "")]


REMINDER = {
    "type": "whisper",
    "title": "Reminder",
    "timing": {
        "mode": "relative",
        "amount": 24,
        "unit": "hours",
        "direction": "before",
        "anchor": "appointment.starts_at",
    },
}


def test_a_cancelled_visit_stops_its_reminder(clinic, patient):
    rule = published(clinic, "appointment.booked", REMINDER)
    booked = visit(patient, starts_at=clock.now() + timedelta(days=5))
    ticking.drain_all()
    move(booked, status="cancelled")
    later(days=6)
    assert states(rule) == [("a1", "cancelled", "stopped")]
    assert titles() == []


def test_a_cancel_before_the_match_plans_the_reminder_as_stopped(clinic, patient):
    rule = published(clinic, "appointment.booked", REMINDER)
    booked = visit(patient, starts_at=clock.now() + timedelta(days=5))
    move(booked, status="cancelled")
    later(days=6)
    assert states(rule) == [("a1", "cancelled", "stopped")]
    assert Step.objects.get(rule=rule).reason_text == "“Appointment cancelled” came first."
    assert titles() == []


def test_a_silent_cancel_stops_the_reminder_all_the_same(clinic, patient):
    rule = published(clinic, "appointment.booked", REMINDER)
    told = published(clinic, "appointment.cancelled", name="Tell")
    booked = visit(patient, starts_at=clock.now() + timedelta(days=5))
    with silently("import"):
        move(booked, status="cancelled")
    later(days=6)
    assert states(rule) == [("a1", "cancelled", "stopped")]
    assert Run.objects.filter(rule=told).count() == 0
    assert titles() == []


def test_a_reschedule_moves_the_reminder(clinic, patient):
    rule = published(clinic, "appointment.booked", REMINDER)
    start = clock.now() + timedelta(days=5)
    booked = visit(patient, starts_at=start)
    ticking.drain_all()
    move(booked, starts_at=start + timedelta(days=10))
    step = Step.objects.get(rule=rule)
    assert step.due_at == start + timedelta(days=9)
    later(days=8)
    assert titles() == []
    later(days=7)
    assert titles() == ["Reminder"]


def test_a_reschedule_after_the_reminder_reminds_anew(clinic, patient):
    rule = published(clinic, "appointment.booked", REMINDER)
    start = clock.now() + timedelta(days=2)
    booked = visit(patient, starts_at=start)
    later(days=1, hours=1)
    assert titles() == ["Reminder"]
    move(booked, starts_at=start + timedelta(days=10))
    later(days=11)
    assert titles() == ["Reminder", "Reminder"]
    assert [(s.epoch, s.state) for s in Step.objects.filter(rule=rule).order_by("pk")] == [(0, "done"), (1, "done")]


def test_a_stop_takes_back_what_a_done_step_has_not_sent(clinic, patient):
    Jot.withdrawn.clear()
    rule = published(clinic, "appointment.booked", {"type": "whisper", "title": "Booked"})
    booked = visit(patient)
    ticking.drain_all()
    move(booked, status="cancelled")
    assert Jot.withdrawn == [Step.objects.get(rule=rule).pk]


WAIT = {
    "type": "jot",
    "title": "Summary",
    "timing": {
        "mode": "wait_for",
        "trigger": "appointment.summary_released",
        "within": {"amount": 3, "unit": "days"},
        "otherwise": "skip",
    },
}


def release(appointment):
    from django.apps import apps

    summaries = apps.get_model("appointments", "VisitSummary")
    summaries.objects.create(
        clinic=appointment.clinic, appointment=appointment, patient=appointment.patient, text="Well", status="released"
    )


def test_a_wait_ends_when_the_summary_is_released(clinic, patient):
    published(clinic, "appointment.completed", WAIT)
    completed = move(visit(patient), status="completed")
    later(days=1)
    assert titles() == []
    release(completed)
    ticking.drain_all()
    assert titles() == ["Summary"]


def test_a_wait_in_vain_is_told_in_the_words_of_the_catalog(clinic, patient):
    rule = published(clinic, "appointment.completed", WAIT)
    move(visit(patient), status="completed")
    later(days=4)
    assert states(rule) == [("a1", "skipped", "too_late")]
    assert Step.objects.get(rule=rule).reason_text == "“Visit summary released” did not happen in time."


def test_a_summary_released_before_the_match_is_not_waited_for(clinic, patient):
    published(clinic, "appointment.completed", WAIT)
    completed = move(visit(patient), status="completed")
    release(completed)
    ticking.drain_all()
    assert titles() == ["Summary"]


def test_a_summary_never_released_is_skipped_after_the_wait(clinic, patient):
    rule = published(clinic, "appointment.completed", WAIT)
    move(visit(patient), status="completed")
    later(days=4)
    assert states(rule) == [("a1", "skipped", "too_late")]
    assert titles() == []


def test_only_if_is_asked_when_the_step_runs(clinic, patient):
    action = {
        "type": "jot",
        "title": "Book again",
        "timing": {"mode": "delay", "amount": 1, "unit": "days"},
        "only_if": {"match": "all", "items": [{"field": "patient.next_appointment_at", "op": "is_empty"}]},
    }
    rule = published(clinic, "appointment.completed", action)
    move(visit(patient), status="completed")
    ticking.drain_all()
    visit(patient, starts_at=clock.now() + timedelta(days=9))
    later(days=2)
    assert states(rule) == [("a1", "skipped", "only_if_false")]
    assert titles() == []


def test_a_permanent_failure_ends_the_step_and_spares_the_others(clinic, patient):
    rule = published(clinic, "appointment.completed", {"type": "jot", "title": "No", "fail": "permanent"})
    other = published(clinic, name="Other")
    move(visit(patient), status="completed")
    ticking.drain_all()
    assert states(rule) == [("a1", "failed", "failed")]
    assert states(other) == [("a1", "done", "")]
    assert titles() == ["Call"]


def test_a_bug_in_an_action_is_tried_again_and_its_words_are_kept_out(clinic, patient):
    rule = published(clinic, "appointment.completed", {"type": "jot", "title": "No", "fail": "bug"})
    move(visit(patient), status="completed")
    ticking.drain_all()
    step = Step.objects.get(rule=rule)
    assert (step.state, step.attempts, step.reason_text) == ("pending", 1, "unexpected ZeroDivisionError")
    assert step.lease_until > clock.now()
    later(hours=1)
    step.refresh_from_db()
    assert (step.state, step.attempts) == ("failed", 10)


def test_ten_rule_errors_in_a_row_quarantine_the_rule(clinic, patient):
    rule = published(clinic, "appointment.completed", {"type": "jot", "title": "No", "fail": "rule"})
    for _ in range(10):
        move(visit(patient), status="completed")
    ticking.drain_all()
    rule.refresh_from_db()
    assert rule.mode == Rule.Mode.QUARANTINED
    move(visit(patient), status="completed")
    ticking.drain_all()
    last = Run.objects.filter(rule=rule).order_by("-pk").first()
    assert (last.outcome, last.reason) == ("error", "rule_broken")


def test_a_paused_rule_plans_held_steps_and_resuming_runs_or_skips_them(clinic, patient):
    rule = published(clinic)
    lifecycle.pause(rule)
    move(visit(patient), status="completed")
    ticking.drain_all()
    assert states(rule) == [("a1", "held", "paused")]
    lifecycle.resume(rule, overdue="run")
    ticking.drain_all()
    assert states(rule) == [("a1", "done", "")]

    lifecycle.pause(rule)
    move(visit(patient), status="completed")
    ticking.drain_all()
    lifecycle.resume(rule, overdue="skip")
    ticking.drain_all()
    assert states(rule) == [("a1", "done", ""), ("a1", "skipped", "paused")]
    assert titles() == ["Call"]


def test_archiving_the_patient_cancels_all_that_is_pending(clinic, patient):
    rule = published(clinic, "appointment.booked", REMINDER)
    visit(patient, starts_at=clock.now() + timedelta(days=5))
    ticking.drain_all()
    patient.status = "archived"
    patient.save()
    later(days=6)
    assert states(rule) == [("a1", "cancelled", "stopped")]
    assert titles() == []


def test_once_per_patient_runs_once(clinic, patient):
    rule = published(clinic, settings={"reentry": {"mode": "once_per_patient"}})
    for _ in range(2):
        move(visit(patient), status="completed")
    ticking.drain_all()
    assert [(r.outcome, r.reason) for r in Run.objects.filter(rule=rule).order_by("pk")] == [
        ("matched", ""),
        ("suppressed", "reentry"),
    ]
    assert titles() == ["Call"]
