"""Ten thousand visits and their people in a few requests, with bad lines among them, twice."""

from __future__ import annotations

import pytest

from appointments.models import Appointment
from appointments.tests.api.test_bulk import outcomes, send
from appointments.tests.builders import make_service
from automations.models import Event
from clinic.testing import rounds
from patients.models import Patient

LINES = rounds(600, 10_000)
EVERY = 20
"""One line in so many is a bad one."""

pytestmark = [pytest.mark.django_db, pytest.mark.proof, pytest.mark.timeout(600)]


def bad(n):
    """Tell whether the n-th line is one of the bad ones."""
    return n % EVERY == 7


def people():
    return [
        {"external_id": f"P-{n}", "given_name": f"Pat{n}", **({"birth_date": "yesterday"} if bad(n) else {})}
        for n in range(LINES)
    ]


def visits(status):
    return [
        {
            "external_id": f"V-{n}",
            "patient": f"P-{n}",
            "service": "initial-evaluation",
            "starts_at": "2026-11-20T09:00:00+02:00",
            "status": "done" if n % EVERY == 11 else status,
        }
        for n in range(LINES)
    ]


def count(trigger, *, muted=False):
    rows = Event.objects.filter(trigger=trigger)
    return (rows.exclude(muted="") if muted else rows.filter(muted="")).count()


def test_many_come_in_move_on_and_nothing_happens_twice(api, clinic):
    make_service(clinic)
    lost = LINES // EVERY  # bad people, and so visits of nobody
    told = send(api, "patients/bulk/", people())
    assert [one["outcome"] == "refused" for one in told] == [bad(n) for n in range(LINES)]
    assert {error["path"] for one in told for error in one.get("errors", [])} == {"/birth_date"}
    assert (Patient.objects.count(), count("patient.onboarded")) == (LINES - lost, 0)

    good = LINES - 2 * lost
    told = send(api, "appointments/bulk/?fire=true", visits("booked"))
    assert (outcomes(told).count("created"), outcomes(told).count("refused")) == (good, 2 * lost)
    paths = {n: told[n]["errors"][0]["path"] for n in range(LINES) if told[n]["outcome"] == "refused"}
    assert paths == {n: "/patient" if bad(n) else "/status" for n in range(LINES) if bad(n) or n % EVERY == 11}
    assert (Appointment.objects.count(), count("appointment.booked")) == (good, good)

    told = send(api, "appointments/bulk/?fire=false", visits("confirmed"))
    assert (outcomes(told).count("updated"), count("appointment.confirmed")) == (good, 0)
    for _n in range(2):
        told = send(api, "appointments/bulk/?fire=true", visits("completed"))
        assert count("appointment.completed") == good
    assert (outcomes(told).count("unchanged"), outcomes(told).count("updated")) == (good, 0)
    told = send(api, "appointments/bulk/?fire=true", visits("no_show"))
    assert (outcomes(told).count("refused"), count("appointment.no_show")) == (LINES, 0)
