"""Due steps → effects: what they are told, what stops them at the last moment, and what becomes of failures."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection

from automations import ticking
from automations.models import Event, Step
from automations.tests.builders import Task, move, published, service, states, titles, visit
from automations.tests.executing import BUCHAREST, NOW, SOON, TASK, at_local, complete, pass_days
from clinic import clock
from clinic.changes import origin
from patients.models import Patient

pytestmark = pytest.mark.django_db(transaction=True)


class TestExpiry:
    def test_a_reminder_after_its_visit_began_is_expired(self, clinic, patient):
        before = {"mode": "relative", "amount": 24, "unit": "hours", "direction": "before"}
        reminder = {**NOW, "timing": {**before, "anchor": "appointment.starts_at"}}
        rule = published(clinic, "appointment.booked", reminder)
        visit(patient, starts_at=clock.now() + timedelta(days=3))
        ticking.drain_all()
        pass_days(3.01)
        assert states(rule) == [("a1", "expired", "too_late")]
        assert titles() == []

    @pytest.mark.parametrize(("days", "state"), [(1 + 2.9, "done"), (1 + 3.1, "expired")])
    def test_a_message_lives_for_72_hours_from_its_time_and_a_task_for_ever(self, clinic, patient, days, state):
        rule = published(clinic, "appointment.completed", SOON, TASK)
        complete(patient, starts_at=clock.now() - timedelta(days=1))
        pass_days(days)
        assert [one for _, one, _ in states(rule)] == [state, "done"]

    def test_an_event_told_too_late_plans_its_message_as_expired_and_its_task_to_be_done(self, clinic, patient):
        rule = published(clinic, "appointment.completed", NOW, {"type": "jot", "title": "Task"})
        row = visit(patient, starts_at=clock.now() - timedelta(days=9))
        row.status, row.occurred_at_hint = "completed", clock.now() - timedelta(hours=25)
        row.save()
        ticking.drain_all()
        assert states(rule) == [("a1", "expired", "stale_event"), ("a2", "done", "")]


CITY = {"field": "patient.city", "op": "is", "value": "iasi"}


class TestRecheck:
    def test_patient_facts_are_read_anew_for_a_message(self, clinic, patient):
        rule = published(clinic, "appointment.completed", SOON, conditions={"match": "all", "items": [CITY]})
        complete(patient)
        Patient.objects.filter(pk=patient.pk).update(city="Cluj")
        pass_days(1)
        assert states(rule) == [("a1", "skipped", "recheck_failed")]
        assert Step.objects.get(rule=rule).reason_text == "Not so: City is iasi."
        assert titles() == []

    def test_event_facts_stay_as_they_were(self, clinic, patient):
        service(clinic, "initial-evaluation")
        asked = {"field": "appointment.service", "op": "is_any_of", "value": ["initial-evaluation"]}
        start = {"field": "appointment.starts_at", "op": "in_next", "value": {"amount": 2, "unit": "days"}}
        rule = published(clinic, "appointment.completed", SOON, conditions={"match": "all", "items": [asked, start]})
        done = complete(patient)
        move(done, service=service(clinic, "massage"))
        pass_days(2)
        assert states(rule) == [("a1", "done", "")]

    def test_dates_of_the_patient_are_judged_by_the_clock_of_now(self, clinic, patient):
        recent = {"field": "patient.registered_at", "op": "in_last", "value": {"amount": 3, "unit": "hours"}}
        rule = published(clinic, "appointment.completed", SOON, conditions={"match": "all", "items": [recent]})
        complete(patient)
        pass_days(1)
        assert states(rule) == [("a1", "skipped", "recheck_failed")]

    def test_a_task_is_not_rechecked_and_a_message_not_if_the_rule_says_so(self, clinic, patient):
        conditions = {"match": "all", "items": [CITY]}
        task = published(clinic, "appointment.completed", TASK, conditions=conditions)
        message = published(
            clinic, "appointment.completed", SOON, conditions=conditions, settings={"recheck": False}, name="Trusting"
        )
        strict = published(
            clinic, "appointment.completed", TASK, conditions=conditions, settings={"recheck": True}, name="Strict"
        )
        complete(patient)
        Patient.objects.filter(pk=patient.pk).update(city="Cluj")
        pass_days(1)
        assert [states(rule)[0][1] for rule in (task, message, strict)] == ["done", "done", "skipped"]

    def test_nothing_is_done_for_a_patient_who_left_behind_the_engines_back(self, clinic, patient):
        rule = published(clinic, "appointment.completed", SOON)
        complete(patient)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE patients_patient SET deceased_on = %s", [date(2026, 1, 1)])
        pass_days(1)
        assert states(rule) == [("a1", "skipped", "patient_inactive")]


class TestNotBefore:
    """A patient message is told when it may leave; other actions are told nothing of it."""

    @pytest.fixture
    def quiet(self, clinic: Any) -> None:
        clinic.quiet_start, clinic.quiet_end = time(21), time(8)
        clinic.save()

    def test_in_quiet_hours_a_message_waits_for_the_morning(self, clinic, patient, quiet, told):
        published(clinic, "appointment.completed", NOW, {"type": "jot", "title": "Task"})
        at = at_local(22, 30)
        complete(patient)
        whisper, task = told
        assert whisper.not_before == datetime.combine(
            at.astimezone(BUCHAREST).date() + timedelta(days=1), time(8), BUCHAREST
        )
        assert task.not_before == task.now

    def test_in_the_patients_own_zone(self, clinic, patient, quiet, told):
        Patient.objects.filter(pk=patient.pk).update(time_zone="America/New_York")
        published(clinic, "appointment.completed", NOW)
        at_local(22, 30)
        complete(patient)
        [whisper] = told
        assert whisper.not_before == whisper.now

    def test_never_past_twelve_hours_before_the_visit(self, clinic, patient, quiet, told):
        published(clinic, "appointment.booked", NOW)
        at = at_local(22, 30)
        visit(patient, starts_at=at + timedelta(hours=13))
        visit(patient, starts_at=at + timedelta(hours=30))
        ticking.drain_all()
        soon, later = told
        assert soon.not_before == soon.now
        assert later.not_before > later.now + timedelta(hours=9)

    def test_on_a_closed_day_it_waits_for_the_next_open_one(self, clinic, patient, told):
        at = at_local(12)
        clinic.closed_weekdays = [at.astimezone(BUCHAREST).weekday()]
        clinic.save()
        published(clinic, "appointment.completed", NOW)
        complete(patient)
        [whisper] = told
        tomorrow = at.astimezone(BUCHAREST).date() + timedelta(days=1)
        assert whisper.not_before == datetime.combine(tomorrow, time(0), BUCHAREST)

    @pytest.mark.parametrize("whence", ["session", "token", "import", "tick", "system"])
    def test_what_a_person_clicked_can_be_undone_for_a_minute(self, clinic, patient, told, whence):
        published(clinic, "appointment.completed", NOW)
        with origin(whence):
            row = move(visit(patient), status="completed")
        ticking.drain_all()
        [whisper] = told
        event = Event.objects.get(trigger="appointment.completed", subject_id=row.pk)
        undone_until = event.created_at + timedelta(seconds=60)
        assert whisper.not_before == (undone_until if whence == "session" else whisper.now)

    def test_a_delayed_message_has_no_undo_time(self, clinic, patient, told):
        published(clinic, "appointment.completed", SOON)
        with origin("session"):
            move(visit(patient), status="completed")
        list(ticking.walk_to(clock.now() + timedelta(days=1, minutes=1)))
        [whisper] = told
        assert whisper.not_before == whisper.now


WAIT = {
    "type": "whisper",
    "title": "Summary",
    "timing": {
        "mode": "wait_for",
        "trigger": "appointment.summary_released",
        "within": {"amount": 3, "unit": "days"},
        "otherwise": "task",
    },
}


class TestWaitedInVain:
    @pytest.mark.parametrize("who", ["specialist", None])
    def test_it_becomes_the_specialists_task_or_the_admins(self, clinic, patient, specialist, admin, who):
        rule = published(clinic, "appointment.completed", WAIT, name="Summary to the patient")
        complete(patient, specialist=specialist if who else None)
        list(ticking.walk_to(clock.now() + timedelta(days=4)))
        assert states(rule) == [("a1", "done", "too_late")]
        task = Task.objects.get()
        assert task.title == "Waited in vain: Summary to the patient"
        assert "Visit summary released" in task.details
        assert (task.assignee, task.role) == ((specialist, "") if who else (None, "clinic_admin"))


def test_a_patients_steps_are_carried_out_in_the_order_of_their_times(clinic, patient, told):
    hours = (3, 1, 2)
    lines = [
        {"type": kind, "title": str(n), "timing": {"mode": "delay", "amount": n, "unit": "hours"}}
        for n, kind in zip(hours, ("jot", "whisper", "jot"), strict=True)
    ]
    published(clinic, "appointment.completed", *lines)
    complete(patient)
    pass_days(0.5)
    assert [context.params["title"] for context in told] == ["1", "2", "3"]
