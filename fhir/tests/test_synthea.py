"""The whole of a public synthetic data set, made by nobody here."""

from __future__ import annotations

import gzip
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.models import Count, Max, Min, Sum

from appointments.models import Appointment, Service
from automations.models import Event
from clinic import clock
from clinic.testing import PROOF
from patients.models import Patient
from treatments import closing
from treatments.models import Exercise, PainScore, PlanPause, PlanVersion, Program, TreatmentPlan

DATA = Path(os.environ.get("SHARED_DATA", settings.BASE_DIR.parent / "shared" / "data")) / "synthea-r4"
FILES = [
    str(DATA / f"{name}.ndjson.gz")
    for name in ("CarePlan", "Encounter", "Observation-survey", "Patient", "Practitioner")
]

OF_A_PATIENT = ("CarePlan", "Encounter", "Observation-survey")
DAY = datetime(2019, 6, 30, 23, 59, 59, tzinfo=UTC)

pytestmark = [
    pytest.mark.skipif(
        not DATA.is_dir(), reason=f"{DATA} is absent; SHARED_DATA names the folder that holds synthea-r4"
    ),
    pytest.mark.slow,
    pytest.mark.django_db,
]


def run(capsys: pytest.CaptureFixture[str], *more: str) -> str:
    call_command("import_fhir", "--clinic", "north", *more, *FILES)
    return capsys.readouterr().out


def stored() -> list[object]:
    """Return what a second import must leave as it is."""
    models = (Patient, Appointment, TreatmentPlan, PainScore)
    revisions = [model.objects.aggregate(n=Sum("revision")) for model in models]
    services = list(Appointment.objects.values("service__slug").annotate(n=Count("pk")).order_by("service__slug"))
    return [revisions, services, [model.objects.count() for model in (Program, PlanVersion, Exercise, PlanPause)]]


def test_every_patient_and_encounter_arrives_once_and_again_changes_nothing(clinic, capsys):
    began = time.monotonic()
    out = run(capsys)
    took = time.monotonic() - began

    assert "Patient: 615 created, 0 updated, 0 unchanged, 0 refused" in out
    assert "Encounter: 18098 created, 0 updated, 0 unchanged, 0 refused" in out
    assert "CarePlan: 1769 created, 0 updated, 0 unchanged, 0 refused" in out
    assert "Observation: 5681 created, 0 updated, 0 unchanged, 0 refused" in out
    assert "Observation: 120 left out" in out
    assert took < 120
    assert dict(TreatmentPlan.objects.values_list("status").annotate(n=Count("pk"))) == {
        "active": 784,
        "completed": 985,
    }
    assert PainScore.objects.aggregate(low=Min("value"), high=Max("value")) == {
        "low": 0.001141858426080944,
        "high": 9.741741961377823,
    }
    assert closing.next_due() > clock.now()  # weeks that lie behind are nobody's to judge
    assert Patient.objects.filter(deceased_on__isnull=False).count() == 124
    assert Appointment.objects.filter(status="completed").count() == 18098
    assert Service.objects.count() == 33
    assert Appointment.objects.aggregate(n=Min("starts_at__year"))["n"] == 1914
    assert Event.objects.count() == 0  # silent
    before = stored()

    out = run(capsys)
    assert "Patient: 0 created, 0 updated, 615 unchanged, 0 refused" in out
    assert "Encounter: 0 created, 0 updated, 18098 unchanged, 0 refused" in out
    assert "CarePlan: 0 created, 0 updated, 1769 unchanged, 0 refused" in out
    assert "Observation: 0 created, 0 updated, 5681 unchanged, 0 refused" in out
    assert before == stored()


def some_of_them(directory: Path, least: int, encounter: str) -> list[str]:
    """Write the records of `least` patients, among them the patient of an encounter, and return the files."""
    lines = {
        name: gzip.decompress((DATA / f"{name}.ndjson.gz").read_bytes()).decode().splitlines(keepends=True)
        for name in ("Patient", *OF_A_PATIENT)
    }
    about = {name: [json.loads(line)["subject"]["reference"][-36:] for line in lines[name]] for name in OF_A_PATIENT}
    about["Patient"] = [json.loads(line)["id"] for line in lines["Patient"]]
    (wanted,) = [about["Encounter"][at] for at, line in enumerate(lines["Encounter"]) if encounter in line]
    people = {*[one for one in about["Patient"] if one != wanted][: least - 1], wanted}
    files = []
    for name, whole in lines.items():
        file = directory / f"{name}.ndjson"
        file.write_text("".join(line for line, patient in zip(whole, about[name], strict=True) if patient in people))
        files.append(str(file))
    return files


@pytest.mark.proof
def test_a_fired_import_tells_of_each_creation_and_each_completion(clinic, capsys, tmp_path):
    """`make test` fires those of some patients, `make proof` all."""
    known = "abbc5979-3aca-43fe-91a6-8065b7e4a90f"
    files = FILES if PROOF else some_of_them(tmp_path, 60, known)
    call_command("import_fhir", "--clinic", "north", "--fire", *files)
    people, visits = Patient.objects.count(), Appointment.objects.count()
    plans = dict(TreatmentPlan.objects.values_list("status").annotate(n=Count("pk")))
    assert (people, visits > 600) == (615 if PROOF else 60, True)
    assert f"Encounter: {visits} created, 0 updated, 0 unchanged, 0 refused" in capsys.readouterr().out
    assert dict(Event.objects.values_list("trigger").annotate(n=Count("pk"))) == {
        "patient.onboarded": people,
        "appointment.booked": visits,
        "appointment.completed": visits,
        "treatment.assigned": plans["active"],
        "treatment.completed": plans["completed"],
        "treatment.ended": plans["completed"],
    }
    assert set(Event.objects.values_list("origin", flat=True).distinct()) == {"import"}
    one = Appointment.objects.get(external_id=known)
    event = Event.objects.get(trigger="appointment.completed", subject_id=one.pk)
    assert event.occurred_at.isoformat() == "1991-06-07T23:52:54+00:00"  # the encounter's end
    assert event.data["new"]["starts_at"] == "1991-06-07T23:37:54+00:00"
