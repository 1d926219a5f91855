"""Due steps → effects: what they are told, what stops them at the last moment, and what becomes of failures."""

from __future__ import annotations

import time as clockwork
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from threading import Event as Flag
from threading import Thread
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Pause
from automations import claims, executor, ticking
from automations.engine.declare import Action, catalog
from automations.engine.values import Refusal, StepContext
from automations.executor import execute_batch
from automations.models import Event, Rule, Run, Step
from automations.tests.builders import Appointment, Jot, Task, move, published, service, states, titles, visit
from clinic import clock
from clinic.changes import origin
from patients.models import Patient

pytestmark = pytest.mark.django_db(transaction=True)

BUCHAREST = ZoneInfo("Europe/Bucharest")
NOW = {"type": "whisper", "title": "Whisper"}
SOON = {"type": "whisper", "title": "Whisper", "timing": {"mode": "delay", "amount": 1, "unit": "days"}}
TASK = {**SOON, "type": "jot", "title": "Task"}


@pytest.fixture
def told(monkeypatch: Any) -> list[StepContext]:
    """Every context that an action of these tests was asked to perform, in order."""
    contexts: list[StepContext] = []
    real = Jot.perform

    def perform(self: Jot, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        contexts.extend(steps)
        return real(self, steps)

    monkeypatch.setattr(Jot, "perform", perform)
    return contexts


def complete(patient: Any, **fields: Any) -> Any:
    """Complete a visit and match it."""
    row = move(visit(patient, **fields), status="completed")
    ticking.drain_all()
    return row


def pass_days(days: float) -> None:
    """Let the clock jump, as over a time in which no worker ran, and then work."""
    clock.advance_by(timedelta(days=days))
    ticking.drain_all()


def at_local(hour: int, minute: int = 0, zone: ZoneInfo = BUCHAREST) -> datetime:
    """Walk the clock to the next day's local time."""
    day = clock.now().astimezone(zone).date() + timedelta(days=1)
    clock.advance_to(datetime.combine(day, time(hour, minute), zone))
    return clock.now()


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
        assert Step.objects.get(rule=rule).reason_text == "/items/0 patient.city is false"
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


class TestFailures:
    def test_one_bad_step_rolls_back_its_group_and_the_others_are_done_singly(self, clinic, patient, told):
        rules = [
            published(clinic, "appointment.completed", {"type": "jot", "title": f"T{n}", **more}, name=f"R{n}")
            for n, more in enumerate(({}, {"fail": "bug"}, {}, {"fail": "temporary"}, {"fail": "permanent"}))
        ]
        people = [patient, *Patient.objects.bulk_create([Patient(clinic=clinic, given_name="Ana") for _ in range(2)])]
        for one in people:
            move(visit(one), status="completed")
        ticking.drain_all()
        assert [{state for _, state, _ in states(rule)} for rule in rules] == [
            {"done"},
            {"pending"},
            {"done"},
            {"pending"},
            {"failed"},
        ]
        assert sorted(titles()) == ["T0"] * 3 + ["T2"] * 3
        texts = set(Step.objects.exclude(reason_text="").values_list("reason_text", flat=True))
        assert texts == {"unexpected ZeroDivisionError", "told to fail: temporary", "told to fail: permanent"}

    def test_a_batch_whose_transaction_breaks_is_done_step_by_step(self, clinic, patient, monkeypatch):
        rule = published(clinic, "appointment.completed", TASK)
        for _ in range(3):
            complete(patient)
        real, sizes = executor._execute, []

        def break_together(batch: dict[int, int]) -> int:
            sizes.append(len(batch))
            done = real(batch)
            if len(batch) > 1:
                raise MemoryError
            return done

        monkeypatch.setattr(executor, "_execute", break_together)
        pass_days(1)
        assert sizes == [3, 1, 1, 1]
        assert states(rule) == [("a1", "done", "")] * 3
        assert titles() == ["Task"] * 3
        assert set(Step.objects.values_list("attempts", flat=True)) == {2}

    @pytest.mark.parametrize("code", claims.RETRIABLE)
    def test_a_deadlock_is_nobodys_failure(self, clinic, patient, monkeypatch, code):
        rule = published(clinic, "appointment.completed", TASK)
        complete(patient)

        class Refusing(Exception):
            sqlstate = code

        def refuse(batch: dict[int, int]) -> int:
            raise OperationalError("try again") from Refusing()

        clock.advance_by(timedelta(days=1))
        with monkeypatch.context() as broken:
            broken.setattr(executor, "_execute", refuse)
            assert execute_batch() == 0
        step = Step.objects.get(rule=rule)
        assert (step.state, step.attempts, step.lease_until) == ("pending", 0, None)
        assert execute_batch() == 1

    def test_the_tenth_attempt_is_the_last(self, clinic, patient):
        rule = published(clinic, "appointment.completed", {"type": "jot", "title": "No", "fail": "temporary"})
        complete(patient)
        waits = []
        for _ in range(9):
            step = Step.objects.get(rule=rule)
            assert step.state == "pending"
            assert step.lease_until is not None
            waits.append((step.lease_until - clock.now()).total_seconds())
            clock.advance_to(step.lease_until)
            execute_batch()
        step.refresh_from_db()
        assert (step.state, step.reason, step.reason_text, step.attempts) == (
            "failed",
            "failed",
            "told to fail: temporary",
            10,
        )
        assert all(0.4 * 2**n <= wait <= 2**n for n, wait in enumerate(waits)), waits

    def test_an_action_that_gives_no_result_is_no_success(self, clinic, patient, monkeypatch):
        rule = published(clinic)
        monkeypatch.setattr(Jot, "perform", lambda self, steps: {})
        complete(patient)
        assert states(rule) == [("a1", "failed", "failed")]

    def test_an_action_that_is_gone_fails_its_step_and_says_so(self, clinic, patient, monkeypatch):
        rule = published(clinic, "appointment.completed", TASK)
        complete(patient)
        monkeypatch.delitem(catalog.actions, "jot")
        pass_days(1)
        assert states(rule) == [("a1", "failed", "rule_broken")]
        assert Step.objects.get(rule=rule).reason_text == "The action 'jot' does not exist (any more)."
        assert Rule.objects.get(pk=rule.pk).error_streak == 1

    def test_a_success_ends_a_streak_of_errors(self, clinic, patient):
        rule = published(clinic)
        Rule.objects.filter(pk=rule.pk).update(error_streak=9)
        complete(patient)
        assert Rule.objects.get(pk=rule.pk).error_streak == 0

    def test_an_unexpected_error_while_recording_blames_no_patient_data(self, clinic, patient):
        rule = published(clinic, "appointment.completed", {"type": "jot", "title": "No", "fail": "bug"})
        complete(patient)
        assert "Maria" not in Step.objects.get(rule=rule).reason_text


class TestRefusals:
    def test_a_refusal_is_a_record_and_its_neighbours_act(self, clinic, patient):
        refused = published(clinic, "appointment.completed", {"type": "jot", "title": "No", "refuse": True})
        other = published(clinic, name="Other")
        complete(patient)
        assert states(refused) == [("a1", "skipped", "no_consent")]
        assert Step.objects.get(rule=refused).reason_text == "She said no."
        assert states(other) == [("a1", "done", "")]

    def test_put_off_to_a_later_time_it_stays_pending_and_starts_counting_again(self, clinic, patient, monkeypatch):
        rule = published(clinic)
        until = clock.now() + timedelta(days=1)
        capped = lambda self, steps: {s.id: Refusal("capped", "Enough today.", retry_at=until) for s in steps}  # noqa: E731
        with monkeypatch.context() as patched:
            patched.setattr(Jot, "guard", capped)
            complete(patient)
        step = Step.objects.get(rule=rule)
        assert (step.state, step.reason, step.due_at, step.attempts) == ("pending", "capped", until, 0)
        pass_days(1.1)
        assert (states(rule), titles()) == ([("a1", "done", "")], ["Call"])


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


class Slow(Action):
    """Take its time, as a batch under load does."""

    key = "slow"
    label = "Slow"
    example: ClassVar[Mapping[str, Any]] = {}

    def perform(self, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        """Wait a millisecond a step."""
        clockwork.sleep(len(steps) / 1000)
        return {step.id: {} for step in steps}


def test_pause_all_stops_a_busy_worker_within_two_seconds_while_matching_goes_on(clinic, monkeypatch):
    monkeypatch.setitem(catalog.actions, "slow", Slow())
    soon = {"type": "slow", "timing": {"mode": "delay", "amount": 1, "unit": "hours"}}
    rule = published(clinic, "appointment.completed", soon)
    people = Patient.objects.bulk_create([Patient(clinic=clinic, given_name=f"P{n}") for n in range(1200)])
    rows = [visit_of(one) for one in people]
    type(rows[0]).objects.bulk_create(rows)
    ticking.drain_all()
    clock.advance_by(timedelta(hours=1))
    over = Flag()

    def work() -> None:
        while not over.is_set():
            execute_batch()
        connection.close()

    worker = Thread(target=work)
    worker.start()
    try:
        while not Step.objects.filter(state="done").exists():
            clockwork.sleep(0.01)
        pause = Pause.objects.create(clinic=clinic, scope="clinic", why="test")
        clockwork.sleep(2)
        done = Step.objects.filter(state="done").count()
        assert 0 < done < 1200
        late = Step.objects.filter(state="done", finished_at__gt=pause.created_at + timedelta(seconds=2))
        assert not late.exists()
        move(visit(people[0]), status="completed")
        ticking.drain_all()
        clockwork.sleep(0.5)
        assert Step.objects.filter(state="done").count() == done
        assert Run.objects.filter(rule=rule).count() == 1201
    finally:
        over.set()
        worker.join(20)


def visit_of(patient: Any) -> Any:
    """Return an unsaved, completed visit."""
    return Appointment(
        clinic=patient.clinic,
        patient=patient,
        service=service(patient.clinic),
        starts_at=clock.now(),
        status="completed",
    )


def test_a_batch_takes_the_same_queries_for_ten_and_a_hundred_steps(clinic):
    """From eight rows on they go by COPY, which is one query more than INSERT: hence not five."""
    only_if = {"match": "all", "items": [{"field": "patient.next_appointment_at", "op": "is_empty"}]}
    published(clinic, "appointment.completed", {**TASK, "only_if": only_if}, SOON)
    counts = []
    for size in (10, 10, 100):
        people = Patient.objects.bulk_create([Patient(clinic=clinic, given_name=f"P{n}") for n in range(size)])
        rows = [visit_of(one) for one in people]
        type(rows[0]).objects.bulk_create(rows)
        ticking.drain_all()
        clock.advance_by(timedelta(days=1))
        with CaptureQueriesContext(connection) as caught:
            assert execute_batch() == 2 * size
        counts.append(len(caught))
    assert counts == [QUERIES] * 3


QUERIES = 21
"""Of a batch of two actions, one with an only-if: claim, commits and the savepoint of each action included."""
