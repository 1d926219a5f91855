"""Two people press the same button while the engine answers the first."""

from __future__ import annotations

from functools import partial
from threading import Event as Flag

import pytest

from accounts.models import AuditEntry
from appointments import services
from automations.models import Run, Step
from automations.tests.builders import Task, published, visit
from clinic.errors import StaleRecord
from clinic.testing import rounds
from tests.races.arena import at_once, drain, events_of, run_engine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof, pytest.mark.usefixtures("no_deadlocks")]
ROUNDS = rounds(8, 300)


def test_two_clicks_on_confirm_are_one_event_one_run_and_one_task(clinic, patient):
    rule = published(clinic, "appointment.confirmed")
    for number in range(1, ROUNDS + 1):
        booked = visit(patient)
        over = Flag()

        def click(booked=booked):
            return services.confirm(booked).status

        def two_engines(over=over):
            run_engine(over.is_set)

        def watch(over=over, booked=booked):
            try:
                while len(events_of("appointment", booked.pk)) < 2:
                    pass
            finally:
                over.set()

        clicks = at_once(click, click, two_engines, two_engines, watch)[:2]
        drain()

        assert clicks == ["confirmed", "confirmed"]
        assert events_of("appointment", booked.pk) == ["appointment.booked", "appointment.confirmed"]
        assert AuditEntry.objects.filter(action="appointment.confirmed", object_id=str(booked.pk)).count() == 1
        assert [r.outcome for r in Run.objects.filter(rule=rule, event__subject_id=booked.pk)] in (
            ["matched"],
            ["suppressed"],  # from the 21st within a day on
        )
        assert Task.objects.count() == Step.objects.filter(state="done").count() == min(number, 20)


def test_a_form_opened_twice_and_saved_twice_is_one_event_and_one_refusal(patient):
    def save(copy):
        copy.status = "confirmed"
        try:
            copy.save()
            return "saved"
        except StaleRecord:
            return "refused"

    for _ in range(ROUNDS):
        booked = visit(patient)
        copies = [type(booked).objects.get(pk=booked.pk) for _ in range(2)]
        assert sorted(at_once(*(partial(save, copy) for copy in copies))) == ["refused", "saved"]
        assert events_of("appointment", booked.pk) == ["appointment.booked", "appointment.confirmed"]
