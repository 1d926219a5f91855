"""Two imports of one file at the same time."""

from __future__ import annotations

from functools import partial

import pytest

from appointments.models import Appointment
from appointments.tests.test_two_clicks import at_once
from fhir.tests.builders import encounter, ndjson, patient, run
from patients.models import Patient

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_record_is_there_once_and_none_is_refused(clinic, tmp_path):
    people = [patient(f"p{n}") for n in range(40)]
    visits = [encounter(f"e{n}", of=f"Patient/p{n}") for n in range(40)]
    path = ndjson(tmp_path / "a.ndjson", *people, *visits)
    reports = at_once(partial(run, clinic, path), partial(run, clinic, path))
    assert [report.problems for report in reports] == [[], []]
    for noun in ("Patient", "Encounter"):
        assert sum(report.count(noun, "created") for report in reports) == 40
        assert sum(report.count(noun, "unchanged") for report in reports) == 40
    assert (Patient.objects.count(), Appointment.objects.count()) == (40, 40)
