"""Import FHIR files into a clinic: patients first, then their appointments; questionnaires become forms.

A resource is known again by its id (`external_id`), so importing a file twice changes nothing, and the order of the
files does not matter. What cannot be written is reported with its place and never undoes its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from accounts import audit, permissions
from accounts.models import Clinic
from accounts.permissions import Role
from clinic import clock
from clinic.db import origin, silently
from fhir.appointments_in import AppointmentWriter, ensure_services, staff_by_practitioner
from fhir.batches import Item, Report, write_batches
from fhir.care_in import PainWriter, PlanWriter, ensure_programs
from fhir.gathering import Gathered, Progress, gather, no_progress
from fhir.patients_in import PatientWriter
from fhir.questionnaires_in import QuestionnaireWriter

PATIENTS, APPOINTMENTS, FORMS = "Patient", "Encounter", "Questionnaire"
PLANS, SCORES = "CarePlan", "Observation"


def import_files(
    *, clinic: Clinic, paths: Iterable[Path], fire: bool = False, progress: Progress = no_progress
) -> Report:
    """Import Patient, Encounter, CarePlan, Questionnaire and Observation resources, the last of pain only.

    Specialists are found by Practitioner and answers by ValueSet; other kinds are counted.

    Without `fire` the import is silent: rules hear of nothing, though what it stops is stopped. With it a finished
    visit happened at its end and any other when it began, so that delays count from there; a patient is registered now.
    Raises UnreadableFile before anything is written.
    """
    permissions.require(clinic, Role.CLINIC_ADMIN)
    gathered = gather(paths, ZoneInfo(clinic.time_zone), progress)
    report = Report(problems=gathered.problems, notes=gathered.notes, ignored=gathered.ignored)
    with ExitStack() as stack:
        stack.enter_context(origin("import"))
        if not fire:
            stack.enter_context(silently("FHIR import"))
        _write(clinic, gathered, report, progress, clock.now())
    audit.record("fhir.imported", obj=clinic, detail={"fire": fire, **_summary(report)})
    return report


def _write(clinic: Clinic, gathered: Gathered, report: Report, progress: Progress, now: datetime) -> None:
    today = now.astimezone(ZoneInfo(clinic.time_zone)).date()
    people = sorted(gathered.of("Patient").values(), key=lambda item: item[1].id)
    write_batches(PATIENTS, people, PatientWriter(clinic, today), report, progress)
    staff = staff_by_practitioner(clinic, (data for _place, data in gathered.of("Practitioner").values()))
    services = ensure_services(clinic, {data.service for _place, data in gathered.of("Encounter").values()})
    # A patient's visits in the order they happened: "first visit" and events in a row depend on it.
    visits: list[Item] = sorted(
        gathered.of("Encounter").values(), key=lambda item: (item[1].patient_id, item[1].starts_at, item[1].id)
    )
    write_batches(APPOINTMENTS, visits, AppointmentWriter(clinic, services, staff, now), report, progress)
    _write_care(clinic, gathered, report, progress, staff, now)
    _write_forms(clinic, gathered, report, progress)


def _write_care(
    clinic: Clinic,
    gathered: Gathered,
    report: Report,
    progress: Progress,
    staff: Mapping[str, int],
    now: datetime,
) -> None:
    plans: list[Item] = sorted(
        gathered.of(PLANS).values(), key=lambda item: (item[1].patient_id, item[1].starts_at, item[1].id)
    )
    if plans:
        programs = ensure_programs(clinic, {data.program for _place, data in plans if data.program})
        write_batches(PLANS, plans, PlanWriter(clinic, programs, staff, now), report, progress)
    scores: list[Item] = sorted(
        gathered.of(SCORES).values(), key=lambda item: (item[1].patient_id, item[1].measured_at, item[1].id)
    )
    if scores:
        write_batches(SCORES, scores, PainWriter(clinic, now), report, progress)


def _write_forms(clinic: Clinic, gathered: Gathered, report: Report, progress: Progress) -> None:
    forms: list[Item] = sorted(gathered.of(FORMS).values(), key=lambda item: item[1].id)
    if forms:
        write = QuestionnaireWriter(clinic, gathered.of("ValueSet").values())
        write_batches(FORMS, forms, write, report, progress)
        report.problems += write.problems


def _summary(report: Report) -> dict[str, int]:
    counts = {f"{noun}.{outcome}": n for noun, outcomes in report.counts.items() for outcome, n in outcomes.items()}
    return {**counts, "problems": len(report.problems)}
