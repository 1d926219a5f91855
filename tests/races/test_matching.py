"""A cancel that arrives after the matcher has decided and before its transaction is committed."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Event as Flag

import pytest
from django.db import OperationalError, transaction

from appointments import services
from automations import matcher
from automations.matcher import match_batch
from automations.tests.builders import published, states, visit
from clinic import clock
from clinic.db import lock_patients
from clinic.testing import rounds
from tests.races.arena import PATIENCE, at_once, deadlocks, drain, events_of, waiting_for_a_lock
from tests.races.test_reminder import REMINDER

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]
ROUNDS = rounds(8, 300)


class Halt:
    """Stand in the matcher's transaction, after its steps are written: keep it open until told to end."""

    def __init__(self, monkeypatch):
        self.reached, self.go_on, self.fail = Flag(), Flag(), False
        self._finish = matcher._finish
        monkeypatch.setattr(matcher, "_finish", self)

    def __call__(self, events):
        self._finish(events)
        self.reached.set()
        assert self.go_on.wait(PATIENCE)
        if self.fail:
            raise RuntimeError("the matcher dies before it commits")

    def again(self, fail):
        self.reached.clear()
        self.go_on.clear()
        self.fail = fail


def race(halt, booked):
    """Cancel while the matcher is held; let it go when the database shows the writer waiting."""

    def cancel():
        assert halt.reached.wait(PATIENCE)
        return services.cancel(booked).status

    def watch():
        assert halt.reached.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while not waiting_for_a_lock() and time.monotonic() < deadline:
            pass
        waited = waiting_for_a_lock()
        halt.go_on.set()
        return waited

    return at_once(match_batch, cancel, watch)


@pytest.mark.usefixtures("no_deadlocks")
def test_the_writer_waits_for_the_match_and_stops_what_it_planned(clinic, patient, template, monkeypatch):
    rule = published(clinic, "appointment.booked", REMINDER)
    drain()
    halt = Halt(monkeypatch)
    for number in range(1, ROUNDS + 1):
        halt.again(fail=False)
        booked = visit(patient, starts_at=clock.now() + timedelta(days=9))
        matched, status, waited = race(halt, booked)
        assert (matched, status, waited) == (1, "cancelled", 1)
        halt.go_on.set()
        drain()
        assert events_of("appointment", booked.pk) == ["appointment.booked", "appointment.cancelled"]
        assert states(rule)[-1] == ("a1", "cancelled", "stopped")
        assert len(states(rule)) == number
        clock.advance_by(timedelta(hours=2))  # so that no day has more than twenty runs


@pytest.mark.usefixtures("no_deadlocks")
def test_a_matcher_that_dies_instead_leaves_nothing_and_the_next_one_plans_it_as_stopped(
    clinic, patient, template, monkeypatch
):
    rule = published(clinic, "appointment.booked", REMINDER)
    drain()
    halt = Halt(monkeypatch)
    for number in range(1, ROUNDS + 1):
        halt.again(fail=True)
        booked = visit(patient, starts_at=clock.now() + timedelta(days=9))
        matched, status, waited = race(halt, booked)
        assert (matched, status, waited) == (0, "cancelled", 1)
        assert len(states(rule)) == number - 1
        halt.fail = False
        halt.go_on.set()
        clock.advance_by(timedelta(hours=2))  # the failed attempt waits a second before the next
        drain()
        assert events_of("appointment", booked.pk) == ["appointment.booked", "appointment.cancelled"]
        assert states(rule)[-1] == ("a1", "cancelled", "stopped")
        assert len(states(rule)) == number


def test_the_database_counts_a_deadlock_that_happens(clinic, patient, stranger_patient):
    """Otherwise the other races would prove nothing by a count that never moves."""
    before, first, second = deadlocks(), Flag(), Flag()

    def wrongly(mine, yours, locked, other):
        try:
            with transaction.atomic():
                lock_patients([mine.pk])
                locked.set()
                assert other.wait(PATIENCE)
                lock_patients([yours.pk])
            return "through"
        except OperationalError:
            return "deadlock"

    outcomes = at_once(
        lambda: wrongly(patient, stranger_patient, first, second),
        lambda: wrongly(stranger_patient, patient, second, first),
    )
    assert sorted(outcomes) == ["deadlock", "through"]
    assert deadlocks() == before + 1
