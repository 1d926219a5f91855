"""The two sides of a comparison: how each saves, and which workers it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import models

from appointments.models import Appointment
from automations import capture
from bench.reference import receivers
from clinic.changes import records_changed
from clinic.testing.workers import Worker
from worklist.models import Task

LOGS = Path(".local/bench/logs")
CHUNK = 500
PROCESSES = 2
UID = "automations.capture"


def capture_off() -> None:
    """Let writes fire nothing in this process."""
    records_changed.disconnect(dispatch_uid=UID)


def capture_on() -> None:
    """Let writes fire events again."""
    records_changed.connect(capture.on_records_changed, dispatch_uid=UID)


@contextmanager
def worker(queue: str, beat: bool) -> Iterator[Worker]:
    """Run a Celery worker with two processes."""
    LOGS.mkdir(parents=True, exist_ok=True)
    running = Worker(
        queue, LOGS / f"{queue}.log", beat=beat, concurrency=PROCESSES, DJANGO_SETTINGS_MODULE="bench.settings"
    )
    running.wait_ready()
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def reference() -> Iterator[Worker]:
    """Be the reference: post_save on, capture off, its worker running."""
    capture_off()
    receivers.connect()
    try:
        with worker("reference", beat=False) as running:
            yield running
    finally:
        receivers.disconnect()
        capture_on()


@contextmanager
def ours() -> Iterator[Worker]:
    """Be the product: its engine worker running, beat embedded."""
    with worker("engine", beat=True) as running:
        yield running


def save_plainly(visit: Appointment) -> None:
    """Save as a Django model without our lock and look at the old row, which the reference does not need."""
    visit.status = Appointment.Status.COMPLETED
    models.Model.save(visit)


def save_in_bulk(visits: list[Appointment]) -> None:
    """Complete visits in batches, each a transaction, as an import or a bulk endpoint does; capture included."""
    for start in range(0, len(visits), CHUNK):
        chunk = visits[start : start + CHUNK]
        for visit in chunk:
            visit.status = Appointment.Status.COMPLETED
        Appointment.objects.bulk_update(chunk, ["status"])


def save_one_by_one(visits: list[Appointment]) -> None:
    """Complete visits one save, one transaction at a time; capture included."""
    for visit in visits:
        visit.status = Appointment.Status.COMPLETED
        visit.save()


def wait_for_tasks(count: int, seconds: float = 900) -> None:
    """Wait until so many effects are committed. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while (made := Task.objects.count()) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{made} of {count} effects after {seconds} s.")
        time.sleep(0.02 if count < 1000 else 0.1)
