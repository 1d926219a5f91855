"""Threads that start together, each on its own connection, and what the database says of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from typing import Any

from django.apps import apps
from django.db import connection, connections

from automations.executor import execute_batch
from automations.matcher import match_batch
from automations.models import Event, Step
from clinic import clock
from clinic.lanes import lanes
from messaging.delivery import drain_due

PATIENCE = 20.0
"""Seconds after which a thread that waits has waited too long."""


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls from one starting signal; return what each returned. Raises what one raised."""
    barrier = Barrier(len(calls), timeout=PATIENCE)

    def one(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait()
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(one, call) for call in calls]
        return [future.result(PATIENCE) for future in futures]


def after(seconds: float, call: Callable[[], Any]) -> Callable[[], Any]:
    """Return the call with a head start for the others."""

    def later() -> Any:
        time.sleep(seconds)
        return call()

    return later


def head_starts(random: Random) -> tuple[float, float]:
    """Choose how long the person and the engine hesitate: mostly a blink, now and then long enough to lose."""
    kind = random.random()
    if kind < 0.1:
        return 0.15, 0.0
    if kind < 0.2:
        return 0.0, 0.1
    return random.uniform(0, 0.06), random.uniform(0, 0.01)


def run_engine(until: Callable[[], bool]) -> None:
    """Match and execute as a busy worker does, until the test has seen enough."""
    deadline = time.monotonic() + PATIENCE
    while not until() and time.monotonic() < deadline:
        match_batch()
        execute_batch()


def run_mail(until: Callable[[], bool]) -> None:
    """Claim and deliver as a busy worker does."""
    deadline = time.monotonic() + PATIENCE
    while not until() and time.monotonic() < deadline:
        drain_due()


def drain() -> None:
    """Do everything that is due, in this thread, until nothing is left."""
    while sum(lane.drain() for lane in lanes()):
        pass


def returned_at(call: Callable[[], Any]) -> Callable[[], Any]:
    """Return the call followed by a look at the clock: what it did was committed before."""

    def timed() -> Any:
        call()
        return clock.now()

    return timed


def deadlocks() -> int:
    """Return how many deadlocks this database has had; the threads have closed their connections and told theirs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def waiting_for_a_lock() -> int:
    """Return how many connections to this database wait for a row that another holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def events_of(kind: str, pk: int) -> list[str]:
    """Return the triggers of a subject's events, oldest first."""
    rows = Event.objects.filter(subject_type=kind, subject_id=pk).order_by("pk")
    return list(rows.values_list("trigger", flat=True))


def the_step(rule: Any, subject_id: int, epoch: int = 0) -> Step:
    """Return the rule's only message step about a subject."""
    return Step.objects.get(rule=rule, subject_id=subject_id, action="send_email", epoch=epoch)


def fate(step: Step, done_at: Any, server: Any) -> str:
    """Tell how a message ended against what took it back at `done_at`: cancelled, withdrawn or sent before.

    Asserts that it is one of the three and nothing of another: a cancelled step has queued nothing, a withdrawn message
    has not reached the server, a sent one was committed as being sent before the other transaction was.
    """
    deliveries = list(apps.get_model("messaging", "Delivery").objects.filter(source_step_id=step.pk))
    if step.state == Step.State.CANCELLED or step.state in Step.OPEN:
        assert deliveries == []
        return "cancelled"
    assert (step.state, len(deliveries)) == (Step.State.DONE, 1)
    [delivery] = deliveries
    taken = server.ids.count(delivery.message_id)
    if delivery.state == "withdrawn":
        assert taken == 0
        return "withdrawn"
    assert (delivery.state, taken) == ("sent", 1)
    [attempt] = delivery.attempt_log.all()
    assert attempt.started_at < done_at
    return "sent"
