"""Two people, two connections, one visit."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts.models import AuditEntry
from appointments import services
from appointments.models import Appointment
from appointments.tests.builders import make_visit
from automations.models import Event
from clinic.errors import ImpossibleTransition

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 10


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls at the same moment, each on a connection of its own; return what each returned or raised."""
    barrier = Barrier(len(calls))

    def one(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait()
            return call()
        except ImpossibleTransition as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def events(visit: Appointment) -> list[str]:
    rows = Event.objects.filter(subject_type="appointment", subject_id=visit.pk).exclude(trigger="appointment.booked")
    return list(rows.order_by("pk").values_list("trigger", flat=True))


def test_two_clicks_on_confirm_are_one_event(patient):
    for _ in range(ROUNDS):
        visit = make_visit(patient)
        outcomes = at_once(partial(services.confirm, visit), partial(services.confirm, visit))
        assert [row.status for row in outcomes] == ["confirmed", "confirmed"]
        assert events(visit) == ["appointment.confirmed"]
        assert AuditEntry.objects.filter(action="appointment.confirmed", object_id=str(visit.pk)).count() == 1


def test_completing_against_cancelling_has_one_winner(patient):
    for _ in range(ROUNDS):
        visit = make_visit(patient)
        outcomes = at_once(partial(services.complete, visit), partial(services.cancel, visit))
        stored = Appointment.objects.get(pk=visit.pk)
        assert sum(isinstance(one, ImpossibleTransition) for one in outcomes) == 1
        assert events(visit) == [f"appointment.{stored.status}"]
        assert stored.revision == 2
