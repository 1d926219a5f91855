"""Many due steps: how fast a pause is heard, and how many queries a batch takes."""

from __future__ import annotations

import time as clockwork
from collections.abc import Mapping, Sequence
from datetime import timedelta
from threading import Event as Flag
from threading import Thread
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Pause
from automations import ticking
from automations.engine.declare import Action, catalog
from automations.engine.values import StepContext
from automations.executor import execute_batch
from automations.models import Run, Step
from automations.tests.builders import Appointment, move, published, service, visit
from automations.tests.executing import SOON, TASK
from clinic import clock
from patients.models import Patient

pytestmark = pytest.mark.django_db(transaction=True)


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


QUERIES = 20
"""Of a batch of two actions, one with an only-if: claim, commits and the savepoint of each action included."""
