"""The figures of a clinic's automations over the API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automations import ticking
from automations.tests.builders import move, published, visit
from clinic import clock

pytestmark = pytest.mark.django_db
STATS = "automations/stats/"
REFUSED = {"type": "jot", "title": "No", "refuse": True}


def test_what_happened_is_counted(api, clinic, patient, stranger_patient):
    published(clinic, "appointment.completed", {"type": "jot", "title": "Yes"}, REFUSED)
    published(clinic, name="Once", settings={"reentry": {"mode": "once_per_patient"}})
    published(stranger_patient.clinic)
    for one in (patient, patient, stranger_patient):
        move(visit(one), status="completed")
    ticking.drain_all()
    found = api.get(STATS).json()
    assert found["events"] == {"appointment.booked": 2, "appointment.completed": 2, "patient.onboarded": 1}
    assert found["runs"] == {"once": {"matched": 1, "suppressed": 1}, "rule": {"matched": 2}}
    assert (found["steps"], found["deliveries"]) == ({"done": 3, "skipped": 2}, {})


def test_only_what_was_recorded_in_the_time_counts(api, clinic, patient):
    visit(patient)
    day = timedelta(days=1)
    ahead, behind = ((clock.now() + by).strftime("%Y-%m-%dT%H:%M:%SZ") for by in (day, -day))
    assert api.get(f"{STATS}?since={behind}&until={ahead}").json()["events"]["appointment.booked"] == 1
    assert api.get(f"{STATS}?until={behind}").json()["events"] == {}
    assert api.get(f"{STATS}?since={ahead}&until={behind}").status_code == 422
    assert api.get(f"{STATS}?since=yesterday").status_code == 422
