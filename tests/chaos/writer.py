"""One of the processes that write: `python -m tests.chaos.writer JOB`, a JSON file (see `Job`).

It does to visits what a front desk does, through the services. When the connection breaks, a save may have been
committed or not: that is settled by reading back, never guessed. Each event that is known to be committed becomes one
line in the journal.
"""

from __future__ import annotations

import heapq
import json
import os
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

GIVE_UP_SECONDS = 180
SIGHT_SECONDS, LOOK_SECONDS = 45, 0.02


@dataclass
class Job:
    """What one writer has to do: every `of`-th visit, with so many threads, noting it in `journal`."""

    index: int
    of: int
    threads: int
    journal: str
    plan: dict[str, Any]
    clinic: int


@dataclass(order=True)
class Due:
    """One thing to do at a moment (time.monotonic())."""

    at: float
    number: int
    visit: Any = field(compare=False)
    verbs: list[tuple[str, float]] = field(compare=False)
    row: Any = field(compare=False, default=None)
    since: float = field(compare=False, default=0)


class Writer:
    """The threads of one process and what they have still to do."""

    def __init__(self, job: Job) -> None:
        from tests.chaos import visits

        self.job = job
        self.lock = threading.Lock()
        self.journal = os.open(job.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.busy = 0
        self.broken: list[str] = []
        begin = time.monotonic() + 0.2
        mine = [visit for visit in visits.plan(**job.plan) if visit.number % job.of == job.index]
        self.heap = [Due(begin + v.starts, v.number, v, [("book", 0.0), *visits.delays(v)]) for v in mine]
        heapq.heapify(self.heap)
        self.load()

    def load(self) -> None:
        """Read the cast once."""
        from accounts.models import Clinic, Membership
        from appointments.models import Service
        from patients.models import Patient

        self.clinic = Clinic.objects.get(pk=self.job.clinic)
        self.patients = list(Patient.objects.filter(clinic=self.clinic).order_by("pk"))
        self.services = {one.slug: one for one in Service.objects.filter(clinic=self.clinic)}
        self.specialist = Membership.objects.get(clinic=self.clinic, slug="ion")

    def run(self) -> None:
        """Work until nothing is left."""
        in_threads(self.job.threads, self.work, self.broken)

    def work(self) -> None:
        """Do what is due, one after the other."""
        from django.db import connection

        while (due := self.take()) is not None:
            if due is not WAIT:
                try:
                    self.do(due)
                except Exception:
                    self.broken.append(traceback.format_exc())
                finally:
                    with self.lock:
                        self.busy -= 1
        connection.close()

    def take(self) -> Due | None:
        """Take what is due; wait a little if nothing is; None at the end."""
        with self.lock:
            if not self.heap and not self.busy:
                return None
            if self.heap and self.heap[0].at <= time.monotonic():
                self.busy += 1
                return heapq.heappop(self.heap)
        time.sleep(0.005)
        return WAIT

    def do(self, due: Due) -> None:
        """Carry out one verb of one visit, note it, and plan the next."""
        (verb, _), *rest = due.verbs
        if verb == "cancel" and due.visit.kind != "cancel" and not self.sees(due):
            with self.lock:
                heapq.heappush(self.heap, replace(due, at=time.monotonic() + LOOK_SECONDS))
            return
        began = time.time()
        row, tries, how = insist(*self.verb(verb, due))
        line = {"verb": verb, "subject": row.pk, "revision": row.revision, "patient": row.patient_id, "tries": tries}
        line |= {"service": due.visit.service, "how": how, "began": began, "ended": time.time()}
        os.write(self.journal, (json.dumps(line) + "\n").encode())
        if rest:
            with self.lock:
                moment = time.monotonic() + rest[0][1]
                heapq.heappush(self.heap, Due(moment, due.number, due.visit, rest, row, since=moment))

    def verb(self, verb: str, due: Due) -> tuple[Callable[[], Any], Callable[[], Any]]:
        """Return what to do, and how to find out whether it was done."""
        from appointments import services
        from appointments.models import Appointment

        visit = due.visit
        moment = datetime.now(UTC) + timedelta(minutes=60, seconds=visit.lead)
        if verb == "book":
            booking = {
                "clinic": self.clinic,
                "patient": self.patients[visit.patient],
                "service": self.services[visit.service],
                "specialist": self.specialist,
                "external_id": visit.external_id,
            }
            found = Appointment.objects.filter(clinic=self.clinic, external_id=visit.external_id)
            return lambda: services.book(**booking, starts_at=moment), found.first
        stored = Appointment.objects.filter(pk=due.row.pk)
        if verb == "reschedule":
            move = services.reschedule
            return lambda: move(due.row, starts_at=moment), stored.filter(starts_at=moment).first
        act: Any = getattr(services, verb)
        ago = None if verb == "cancel" else datetime.now(UTC) - timedelta(seconds=random.uniform(54, 58))
        return lambda: act(due.row, occurred_at=ago), stored.filter(status=STATUS[verb]).first

    def sees(self, due: Due) -> bool:
        """Tell whether the visit's reminder waits to leave, or was taken to be sent; in the end, go on without."""
        from messaging.models import Delivery

        if time.monotonic() > due.since + SIGHT_SECONDS:
            return True
        queued = Delivery.objects.filter(source_step__subject_id=due.row.pk, patient_id=due.row.patient_id)
        if due.visit.kind == "taken":
            queued = queued.exclude(state=Delivery.State.QUEUED)
        return bool(insist(lambda: [queued.exists()], lambda: None)[0][0])


STATUS = {"confirm": "confirmed", "complete": "completed", "cancel": "cancelled"}
WAIT = Due(0, 0, None, [])


def in_threads(count: int, work: Callable[[], None], broken: list[str]) -> None:
    """Work in so many threads until all have ended; end the process if something broke."""
    from django.db import connection

    connection.close()
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        sys.exit("\n".join(broken))


def insist(write: Callable[[], Any], read_back: Callable[[], Any]) -> tuple[Any, int, str]:
    """Write until it is committed; return the row, the number of tries, and how a broken one was settled."""
    from django.db import InterfaceError, OperationalError, connection

    until = time.monotonic() + GIVE_UP_SECONDS
    tries, how, lost = 0, "", False
    while True:
        try:
            if lost:
                found = read_back()
                lost, how = False, "committed" if found is not None else "repeated"
                if found is not None:
                    return found, tries, how
            tries += 1
            return write(), tries, how
        except (OperationalError, InterfaceError):
            connection.close()
            lost = True
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    import django

    django.setup()
    from clinic.wakeups import publisher

    Writer(Job(**json.loads(Path(sys.argv[1]).read_text()))).run()
    publisher.wait_idle(3)
