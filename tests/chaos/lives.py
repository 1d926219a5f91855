"""New patients, each with a life of their own: `python -m tests.chaos.lives JOB`, beside the writers.

A life meets every trigger that the visits of the stream do not. What is done is told to the journal as (patient,
trigger): so many events of that trigger this patient must have, no more and no fewer.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.chaos.writer import in_threads, insist

LOOK_SECONDS, SIGHT_SECONDS = 0.1, 900
"""How often to look for what the engine does, and for how long: while its workers die every few seconds, what one of
them had claimed waits for its lease to run out, and a backlog grows that is gone only after the stream."""


@dataclass
class Job:
    """So many lives, begun evenly over `seconds`, by so many threads, noted in `journal`."""

    lives: int
    seconds: float
    threads: int
    journal: str
    clinic: int


class Life:
    """One patient from registration on. Every save is repeated until it is committed, and read back if in doubt."""

    def __init__(self, number: int, clinic: Any, note: Callable[[int, str], None]) -> None:
        self.number, self.clinic, self.note = number, clinic, note

    def live(self) -> None:
        """Do everything, in order."""
        self.begin()
        for part in (self.treatment, self.forms, self.visits, self.segment, self.device):
            for trigger in part():
                self.note(self.patient.pk, trigger)

    def begin(self) -> None:
        """Come into care."""
        from patients import services
        from patients.models import Patient

        name = f"life-{self.number}"
        given = {"given_name": f"L{self.number}", "email": f"{name}@patients.example", "external_id": name}
        self.patient = sure(
            lambda: services.register(clinic=self.clinic, **given),
            Patient.objects.filter(clinic=self.clinic, external_id=name).first,
        )
        self.note(self.patient.pk, "patient.onboarded")

    def treatment(self) -> Iterator[str]:
        """Get a plan, log a session, complete the plan."""
        from treatments import services
        from treatments.models import ExerciseSession, TreatmentPlan

        kinds = [{"name": "Squats", "sessions_per_week": 3}]
        mine = TreatmentPlan.objects.filter(patient=self.patient)
        make = {"clinic": self.clinic, "patient": self.patient, "name": "Knee", "exercises": kinds}
        plan = sure(lambda: services.create_plan(**make), mine.first)
        plan = sure(lambda: services.assign(plan), mine.filter(status="active").first)
        yield "treatment.assigned"
        sure(lambda: services.log_session(plan, pain=8), ExerciseSession.objects.filter(plan=plan).first)
        yield "treatment.session_logged"
        fresh = mine.get
        sure(lambda: services.complete(fresh()), mine.filter(status="completed").first)
        yield from ("treatment.completed", "treatment.ended")

    def forms(self) -> Iterator[str]:
        """Submit one, sign and withdraw another, decline a third, let a fourth become overdue."""
        from forms_app import services
        from forms_app.models import FormRequest, FormTemplate

        papers = {one.slug: one for one in FormTemplate.objects.filter(clinic=self.clinic)}
        mine = FormRequest.objects.filter(patient=self.patient)

        def ask(slug: str, **more: Any) -> Any:
            wanted = {"clinic": self.clinic, "patient": self.patient, "template": papers[slug], **more}
            found = mine.filter(template=papers[slug])
            return sure(lambda: services.request_form(**wanted).request, found.first)

        def move(row: Any, status: str, call: Callable[[Any], Any]) -> None:
            same = mine.filter(pk=row.pk)
            sure(lambda: call(same.get()), same.filter(status=status).first)

        mood = ask("mood")
        move(mood, "submitted", lambda row: services.sign(row, answers={"ok": True}, signed_by="L"))
        yield "form.signed"
        yield "segment.entered"  # by the rule that answers to it
        consent = ask("privacy")
        move(consent, "signed", lambda row: services.sign(row, answers={}, signed_by="L"))
        yield "form.signed"
        # Both answers: one that a killed worker held comes late, and would put them in again after they were let out.
        self.until(self.put_in_twice, "the rule answers both signatures")
        move(consent, "withdrawn", services.withdraw)
        yield "form.withdrawn"
        yield "segment.exited"
        move(ask("survey"), "declined", services.decline)
        yield from ("form.declined", "form.voided")
        ask("late", due_at=datetime.now(UTC) + timedelta(seconds=2))
        yield from ("form.overdue", "form.voided")  # void by the rule that answers to it

    def visits(self) -> Iterator[str]:
        """Miss one visit; another starts, is completed by mistake, reopened, given to nobody, and summed up."""
        from appointments import services, summaries
        from appointments.models import Appointment, Service, VisitSummary

        again = Service.objects.get(clinic=self.clinic, slug="again")

        def book(name: str) -> Any:
            fields = {"clinic": self.clinic, "patient": self.patient, "service": again, "external_id": name}
            start = datetime.now(UTC) + timedelta(days=2)
            found = Appointment.objects.filter(clinic=self.clinic, external_id=name)
            return sure(lambda: services.book(**fields, starts_at=start, specialist=self.ion()), found.first)

        def move(row: Any, call: Callable[[Any], Any], **then: Any) -> None:
            same = Appointment.objects.filter(pk=row.pk)
            sure(lambda: call(same.get()), same.filter(**then).first)

        first, second = book(f"life-{self.number}-a"), book(f"life-{self.number}-b")
        yield from ("appointment.booked",) * 2
        move(first, services.no_show, status="no_show")
        yield "appointment.no_show"
        move(second, services.start, status="in_progress")
        yield "appointment.started"
        move(second, services.complete, status="completed")
        yield "appointment.completed"
        move(second, lambda row: services.reopen(row, reason="a slip"), status="booked")
        yield "appointment.reopened"
        move(second, lambda row: services.reassign(row, specialist=None), specialist=None)
        yield "appointment.reassigned"
        move(second, services.complete, status="completed")
        yield "appointment.completed"
        mine = VisitSummary.objects.filter(appointment=second)
        visit = Appointment.objects.get(pk=second.pk)
        sure(lambda: summaries.write_summary(visit, text="Rest."), mine.first)
        sure(lambda: summaries.release_summary(visit), mine.filter(status="released").first)
        yield "appointment.summary_released"

    def segment(self) -> Iterator[str]:
        """Come into a dynamic segment and out of it; between the two somebody must have looked."""
        from patients import services
        from patients.models import Patient

        same = Patient.objects.filter(pk=self.patient.pk)
        sure(lambda: services.add_tag(same.get(), tag="vip"), same.filter(tags__contains=["vip"]).first)
        yield "segment.entered"
        self.until(self.is_in("vips", True), "the refresh finds them")
        sure(lambda: services.update(same.get(), tags=["calm"]), same.exclude(tags__contains=["vip"]).first)
        yield "segment.exited"
        self.until(self.is_in("vips", False), "the refresh lets them go")

    def device(self) -> Iterator[str]:
        """Have another system say something; which it says again until it was heard, each time anew."""
        from automations.models import Event
        from automations.named_events import record_named_event

        mine = Event.objects.filter(trigger="api.event", patient=self.patient)
        sure(lambda: record_named_event(self.clinic, self.patient, "device", {"steps": 7}), mine.first)
        yield "api.event"

    def ion(self) -> Any:
        """Return the specialist."""
        from accounts.models import Membership

        return Membership.objects.get(clinic=self.clinic, slug="ion")

    def put_in_twice(self) -> bool:
        """Return whether the rule has answered both signatures."""
        from automations.models import Step

        answers = Step.objects.filter(patient=self.patient, rule__slug="life-signed", action="add_to_segment")
        return answers.filter(state="done").count() == 2

    def is_in(self, slug: str, member: bool) -> Callable[[], bool]:
        """Return whether the membership is as it must become."""
        from segments.models import SegmentMembership

        return SegmentMembership.objects.filter(patient=self.patient, segment__slug=slug, is_member=member).exists

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait for what the engine does. Raises AssertionError if it does not."""
        until = time.monotonic() + SIGHT_SECONDS
        while not insist(lambda: [true()], lambda: None)[0][0]:
            assert time.monotonic() < until, f"life {self.number}: {what}, but did not in {SIGHT_SECONDS} s."
            time.sleep(LOOK_SECONDS)


def sure(write: Callable[[], Any], read_back: Callable[[], Any]) -> Any:
    """Write until it is committed; return the row. What was committed and not heard of is found by reading."""

    def or_there() -> Any:
        return read_back() or write()  # our own first try may have been committed while its answer was lost

    return insist(or_there, read_back)[0]


class Lives:
    """The threads of the process and the lives that are still to be lived."""

    def __init__(self, job: Job) -> None:
        from accounts.models import Clinic

        self.job = job
        self.clinic = Clinic.objects.get(pk=job.clinic)
        self.journal = os.open(job.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.lock, self.next, self.began = threading.Lock(), 0, time.monotonic()
        self.broken: list[str] = []

    def note(self, patient: int, trigger: str) -> None:
        """Tell the journal that this patient has one more event of this trigger."""
        os.write(self.journal, (json.dumps({"patient": patient, "trigger": trigger}) + "\n").encode())

    def work(self) -> None:
        """Live one life after the other."""
        from django.db import connection

        while True:
            with self.lock:
                number, self.next = self.next, self.next + 1
            if number >= self.job.lives:
                break
            time.sleep(max(0.0, self.began + number * self.job.seconds / self.job.lives - time.monotonic()))
            try:
                Life(number, self.clinic, self.note).live()
            except Exception:
                self.broken.append(traceback.format_exc())
        connection.close()

    def run(self) -> None:
        """Work until nothing is left."""
        in_threads(self.job.threads, self.work, self.broken)


if __name__ == "__main__":
    import django

    django.setup()
    from clinic.wakeups import publisher

    Lives(Job(**json.loads(Path(sys.argv[1]).read_text()))).run()
    publisher.wait_idle(3)
