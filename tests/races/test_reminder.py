"""A visit is cancelled or moved at the very moment at which its reminder is due."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from random import Random
from threading import Event as Flag
from typing import Any

import pytest

from appointments import services
from automations.tests.builders import published, visit
from clinic import clock
from clinic.testing import PROOF, rounds
from tests.races.arena import after, at_once, drain, events_of, fate, head_starts, returned_at, run_engine, run_mail
from tests.races.arena import the_step as step_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof, pytest.mark.usefixtures("no_deadlocks")]
ROUNDS = rounds(8, 300)

REMINDER = {
    "type": "send_email",
    "template": "reminder",
    "timing": {
        "mode": "relative",
        "amount": 24,
        "unit": "hours",
        "direction": "before",
        "anchor": "appointment.starts_at",
    },
}


@pytest.fixture
def rule(clinic: Any, template: Any) -> Any:
    return published(clinic, "appointment.booked", REMINDER)


def due_now(patient: Any) -> Any:
    """Book a visit and let the moment come at which its reminder is due."""
    booked = visit(patient, starts_at=clock.now() + timedelta(days=2))
    drain()
    clock.advance_to(booked.starts_at - timedelta(hours=24))
    return booked


def against_the_engine(action: Any, random: Random) -> Any:
    """Let a person act while a worker executes and another delivers; return when the person's change was committed."""
    over = Flag()

    def person() -> Any:
        try:
            return returned_at(action)()
        finally:
            over.set()

    hesitates, engine = head_starts(random)
    done_at, *_ = at_once(
        after(hesitates, person), after(engine, partial(run_engine, over.is_set)), partial(run_mail, over.is_set)
    )
    drain()
    return done_at


def test_a_cancelled_visit_is_cancelled_xor_its_reminder_was_sent_before(patient, rule, mail_server, record_property):
    random, fates = Random(1), Counter[str]()
    for _ in range(ROUNDS):
        booked = due_now(patient)
        done_at = against_the_engine(partial(services.cancel, booked), random)
        fates[fate(step_of(rule, booked.pk), done_at, mail_server)] += 1
        assert events_of("appointment", booked.pk) == ["appointment.booked", "appointment.cancelled"]
    record_property("counted", f"cancel against the reminder: {dict(fates)}")
    assert fates.total() == ROUNDS
    assert not PROOF or set(fates) == {"cancelled", "withdrawn", "sent"}


def test_a_moved_visit_is_reminded_of_its_new_time_once_and_of_the_old_one_only_before(
    patient, rule, mail_server, record_property
):
    random, fates = Random(2), Counter[str]()
    for _ in range(ROUNDS):
        booked = due_now(patient)
        new_start = booked.starts_at + timedelta(days=10)
        done_at = against_the_engine(partial(services.reschedule, booked, starts_at=new_start), random)
        old = step_of(rule, booked.pk)
        became = fate(old, done_at, mail_server)
        fates[became] += 1
        new = old if became == "cancelled" else step_of(rule, booked.pk, epoch=1)
        assert (new.state, new.due_at) == ("pending", new_start - timedelta(hours=24))
        assert events_of("appointment", booked.pk) == ["appointment.booked", "appointment.rescheduled"]

        before = len(mail_server.ids)
        clock.advance_to(new.due_at)
        drain()
        assert len(mail_server.ids) == before + 1
        assert not rule.steps.filter(subject_id=booked.pk, state="pending").exists()
    record_property("counted", f"reschedule against the reminder: {dict(fates)}")
    assert fates.total() == ROUNDS
    assert not PROOF or set(fates) == {"cancelled", "withdrawn", "sent"}
