"""Importing files into a clinic: once, again, in parts, with mistakes in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management.base import CommandError

from accounts.models import AuditEntry
from appointments import services as verbs
from appointments.models import Appointment, Service
from appointments.tests.builders import acting, changes_of
from automations.models import Event
from clinic import clock
from clinic.errors import Refused
from fhir.tests.builders import bundle, command, encounter, ndjson, patient, run
from patients.models import Patient

pytestmark = pytest.mark.django_db


def outcomes(report: Any, noun: str) -> dict[str, int]:
    return {name: n for name, n in report.counts[noun].items() if n}


def test_a_patient_and_a_visit_arrive_whatever_the_order_of_the_files(clinic, tmp_path):
    visits = ndjson(tmp_path / "a.ndjson", encounter())
    people = ndjson(tmp_path / "b.ndjson.gz", patient())
    report = run(clinic, visits, people)
    assert (outcomes(report, "Patient"), outcomes(report, "Encounter")) == ({"created": 1}, {"created": 1})
    visit = Appointment.objects.get()
    assert (visit.patient.external_id, visit.external_id, visit.status, visit.minutes) == ("p1", "e1", "completed", 45)
    assert (visit.service.slug, visit.service.name) == ("encounter-for-check-up", "Encounter for check up")
    assert visit.patient.city_folded == "iasi"


def test_the_visits_may_come_in_a_later_import(clinic, tmp_path):
    run(clinic, ndjson(tmp_path / "a.ndjson", patient()))
    assert outcomes(run(clinic, ndjson(tmp_path / "b.ndjson", encounter())), "Encounter") == {"created": 1}


def test_a_second_import_changes_nothing(clinic, tmp_path):
    path = ndjson(
        tmp_path / "a.ndjson", patient(), patient("p2", deceasedDateTime="2019-05", birthDate="1957"), encounter()
    )
    run(clinic, path)
    report = None

    def again():
        nonlocal report
        report = run(clinic, path)

    assert changes_of(again) == []
    assert (outcomes(report, "Patient"), outcomes(report, "Encounter")) == ({"unchanged": 2}, {"unchanged": 1})


def test_what_the_file_says_otherwise_is_changed_and_what_it_does_not_say_stays(clinic, tmp_path):
    run(clinic, ndjson(tmp_path / "a.ndjson", patient(), encounter(status="planned")))
    Patient.objects.update(source="website")
    report = run(
        clinic,
        ndjson(
            tmp_path / "b.ndjson",
            patient(address=[{"city": "Brașov"}], birthDate=None, telecom=None),
            encounter(status="finished"),
        ),
    )
    assert (outcomes(report, "Patient"), outcomes(report, "Encounter")) == ({"updated": 1}, {"updated": 1})
    row = Patient.objects.get()
    assert (row.city, row.city_folded, row.birth_date, row.email) == (
        "Brașov",
        "brasov",
        date(1957, 3, 2),
        "ana@patients.example",
    )
    assert row.source == "website"
    assert Appointment.objects.get().status == "completed"


def test_a_planned_visit_that_was_confirmed_here_stays_confirmed(clinic, tmp_path):
    path = ndjson(tmp_path / "a.ndjson", patient(), encounter(status="planned"))
    run(clinic, path)
    verbs.confirm(Appointment.objects.get())
    assert outcomes(run(clinic, path), "Encounter") == {"unchanged": 1}
    assert Appointment.objects.get().status == "confirmed"


def test_a_finished_visit_is_not_reopened_by_a_file(clinic, tmp_path):
    run(clinic, ndjson(tmp_path / "a.ndjson", patient(), encounter()))
    report = run(clinic, ndjson(tmp_path / "b.ndjson", encounter(status="planned"), encounter("e2")))
    assert outcomes(report, "Encounter") == {"refused": 1, "created": 1}
    (problem,) = report.problems
    assert problem.place == "b.ndjson:1"
    assert "completed here" in problem.text
    assert Appointment.objects.get(external_id="e1").status == "completed"


def test_bad_resources_are_named_by_line_and_undo_no_neighbour(clinic, tmp_path):
    path = ndjson(
        tmp_path / "mixed.ndjson",
        patient(),
        "{broken",
        patient("p2", gender="f"),
        patient("p3", birthDate=(clock.now() + timedelta(days=3)).date().isoformat()),
        encounter(of="Patient/nobody"),
        encounter("e2"),
        {"resourceType": "Observation", "id": "o1"},
        {"id": "x"},
    )
    report = run(clinic, path)
    assert [problem.place for problem in report.problems] == [
        "mixed.ndjson:2",
        "mixed.ndjson:3",
        "mixed.ndjson:8",
        "mixed.ndjson:4",
        "mixed.ndjson:5",
    ]
    assert "neither in these files nor at the clinic" in report.problems[-1].text
    assert report.ignored == {"Observation": 1}
    assert list(Patient.objects.values_list("external_id", flat=True)) == ["p1"]
    assert list(Appointment.objects.values_list("external_id", flat=True)) == ["e2"]


def test_what_only_the_database_refuses_is_left_out_alone(clinic, tmp_path, monkeypatch):
    from fhir import patients_in

    def too_long(data):
        return {"source": "x" * 51} if data.id == "p2" else {}

    made = patients_in.PatientWriter._new

    def new(self, data):
        row = made(self, data)
        for name, value in too_long(data).items():
            setattr(row, name, value)
        return row

    monkeypatch.setattr(patients_in.PatientWriter, "_new", new)
    report = run(clinic, ndjson(tmp_path / "a.ndjson", patient("p1"), patient("p2"), patient("p3")))
    assert outcomes(report, "Patient") == {"created": 2, "refused": 1}
    (problem,) = report.problems
    assert (problem.place, "too long" in problem.text, "xxx" in problem.text) == ("a.ndjson:2", True, False)


def test_one_id_with_two_contents_is_named_and_the_first_is_kept(clinic, tmp_path):
    path = ndjson(tmp_path / "a.ndjson", patient(), patient(), patient(gender="male"))
    report = run(clinic, path)
    assert outcomes(report, "Patient") == {"created": 1}
    assert [problem.place for problem in report.problems] == ["a.ndjson:3"]
    assert "a.ndjson:1" in report.problems[0].text
    assert Patient.objects.get().sex == "female"


def test_a_bundle_whose_references_are_full_urls(clinic, tmp_path):
    person, visit = patient(id=None), encounter(id=None, subject={"reference": "urn:uuid:aaa-1"})
    content = bundle() | {
        "entry": [
            {"fullUrl": "urn:uuid:bbb-2", "resource": visit},
            {"fullUrl": "urn:uuid:aaa-1", "resource": person},
        ]
    }
    person.pop("id", None)
    visit.pop("id", None)
    report = run(clinic, ndjson(tmp_path / "b.json", content))
    assert report.problems == []
    assert Appointment.objects.get(external_id="bbb-2").patient.external_id == "aaa-1"


def test_the_same_ids_at_two_clinics_are_two_patients(clinic, other_clinic, tmp_path):
    path = ndjson(tmp_path / "a.ndjson", patient(), encounter())
    run(clinic, path)
    run(other_clinic, path)
    assert sorted(Patient.objects.values_list("clinic__slug", flat=True)) == ["north", "south"]
    for visit in Appointment.objects.select_related("patient", "service"):
        assert visit.clinic_id == visit.patient.clinic_id == visit.service.clinic_id


def test_a_service_is_found_by_code_or_by_slug_of_its_text(clinic, tmp_path):
    by_code = Service.objects.create(clinic=clinic, slug="185349003", name="Check-up", minutes=20)
    by_slug = Service.objects.create(clinic=clinic, slug="massage", name="Massage")
    path = ndjson(
        tmp_path / "a.ndjson",
        patient(),
        encounter("e1", period={"start": "2026-03-02T09:00:00Z"}),
        encounter("e2", type=[{"text": "Massage"}]),
    )
    run(clinic, path)
    assert Appointment.objects.get(external_id="e1").service == by_code
    assert Appointment.objects.get(external_id="e1").minutes == 20  # no end: as long as the service takes
    assert Appointment.objects.get(external_id="e2").service == by_slug
    assert Service.objects.count() == 2


def test_a_practitioner_known_here_becomes_the_specialist_and_nobody_is_hired(clinic, specialist, tmp_path):
    from accounts.models import Membership

    staff = Membership.objects.count()
    doctor = {
        "resourceType": "Practitioner",
        "id": "x1",
        "name": [{"given": ["Ioana"], "family": "Ionescu", "prefix": ["Dr."]}],
    }
    other = {"resourceType": "Practitioner", "id": "x2", "name": [{"given": ["No"], "family": "Body"}]}
    visits = [
        encounter(f"e{n}", participant=[{"individual": {"reference": f"Practitioner/x{n}"}}], status="planned")
        for n in (1, 2)
    ]
    run(clinic, ndjson(tmp_path / "a.ndjson", *visits, doctor, other, patient()))
    assert Appointment.objects.get(external_id="e1").specialist == specialist
    assert Appointment.objects.get(external_id="e2").specialist is None
    assert Membership.objects.count() == staff


def test_the_dead_are_dead(clinic, tmp_path):
    path = ndjson(
        tmp_path / "a.ndjson",
        patient("p1", deceasedDateTime="2019-05-31T10:00:00Z"),
        patient("p2", deceasedDateTime="2019"),
        patient("p3", deceasedBoolean=True),
        patient("p4", deceasedBoolean=False),
    )
    run(clinic, path)
    today = clock.now().astimezone(ZoneInfo("Europe/Bucharest")).date()
    found = dict(Patient.objects.values_list("external_id", "deceased_on"))
    assert (found["p1"], found["p2"], found["p4"]) == (date(2019, 5, 31), date(2019, 12, 31), None)
    assert found["p3"] == today
    assert outcomes(run(clinic, path), "Patient") == {"unchanged": 4}


def test_a_long_stay_keeps_its_length(clinic, tmp_path):
    period = {"start": "1950-01-01T00:00:00Z", "end": "2004-11-27T00:00:00Z"}
    run(clinic, ndjson(tmp_path / "a.ndjson", patient(), encounter(period=period)))
    assert Appointment.objects.get().minutes == 28_877_760


# --- events ---


def test_a_silent_import_makes_no_event(clinic, tmp_path):
    run(clinic, ndjson(tmp_path / "a.ndjson", patient(), encounter()))
    assert Event.objects.count() == 0


def test_a_fired_import_tells_when_it_happened(clinic, tmp_path):
    ahead = (clock.now() + timedelta(days=7)).replace(microsecond=0)
    path = ndjson(
        tmp_path / "a.ndjson",
        patient(),
        encounter("e1"),
        encounter("e2", status="planned", period={"start": "2026-04-01T10:00:00Z"}),
        encounter("e3", status="planned", period={"start": ahead.isoformat()}),
        encounter("e4", status="entered-in-error"),
    )
    before = clock.now()
    run(clinic, path, fire=True)
    events = Event.objects.filter(subject_type="appointment").order_by("pk")
    ids = dict(Appointment.objects.values_list("pk", "external_id"))
    found = {(ids[e.subject_id], e.trigger): e.occurred_at for e in events}
    end = datetime(2026, 3, 2, 7, 45, tzinfo=UTC)
    assert found[("e1", "appointment.booked")] == found[("e1", "appointment.completed")] == end
    assert found[("e2", "appointment.booked")] == datetime(2026, 4, 1, 10, tzinfo=UTC)
    assert before <= found[("e3", "appointment.booked")] <= clock.now()  # never ahead of now
    assert ("e4", "appointment.booked") not in found
    onboarded = Event.objects.get(trigger="patient.onboarded")
    assert before <= onboarded.occurred_at <= clock.now()
    assert set(Event.objects.values_list("origin", flat=True)) == {"import"}


def test_a_fired_second_import_tells_of_nothing(clinic, tmp_path):
    path = ndjson(tmp_path / "a.ndjson", patient(), encounter())
    run(clinic, path)
    run(clinic, path, fire=True)
    assert Event.objects.count() == 0


def test_visits_are_written_in_the_order_they_happened(clinic, tmp_path):
    starts = ["2026-03-04T09:00:00Z", "2026-03-02T09:00:00Z", "2026-03-03T09:00:00Z"]
    visits = [encounter(f"e{n}", period={"start": start}) for n, start in enumerate(starts)]
    run(clinic, ndjson(tmp_path / "a.ndjson", *visits, patient()))
    assert list(Appointment.objects.order_by("pk").values_list("external_id", flat=True)) == ["e1", "e2", "e0"]


# --- who, and the command ---


def test_only_the_clinics_admin_imports(clinic, front_desk, stranger, tmp_path):
    path = ndjson(tmp_path / "a.ndjson", patient())
    for member in (front_desk, stranger):
        with acting(member), pytest.raises(Refused):
            run(clinic, path)
    assert not Patient.objects.exists()


def test_an_import_is_audited_with_counts_and_no_names(clinic, tmp_path):
    run(clinic, ndjson(tmp_path / "a.ndjson", patient(), "{"))
    entry = AuditEntry.objects.get(action="fhir.imported")
    assert entry.detail == {"fire": False, "Patient.created": 1, "problems": 1}


def test_the_command_tells_counts_and_problems(clinic, tmp_path, capsys):
    path = ndjson(tmp_path / "a.ndjson", patient(), encounter(), "{", {"resourceType": "Observation", "id": "o"})
    command("--clinic", "north", path)
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "Patient: 1 created, 0 updated, 0 unchanged, 0 refused",
        "Encounter: 1 created, 0 updated, 0 unchanged, 0 refused",
        "Observation: 1 left out, this import does not read them",
        "1 problems, listed above with file and line",
    ]
    assert "a.ndjson:3: Not JSON" in err


def test_the_command_names_what_it_needs(clinic, tmp_path):
    with pytest.raises(CommandError, match=r"There is no clinic 'nord'\. Clinics: north"):
        command("--clinic", "nord", tmp_path / "a.ndjson")
    with pytest.raises(CommandError, match="No such file"):
        command("--clinic", "north", ndjson(tmp_path / "a.ndjson", patient()), tmp_path / "b.ndjson")
    assert not Patient.objects.exists()
