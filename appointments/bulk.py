"""Many appointments at once, known by their external id: booked, moved along their life-cycle, moved in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts import audit
from accounts.guards import DESK
from accounts.models import Clinic, Membership
from accounts.permissions import Role, require
from appointments.lifecycle import OPEN, UPCOMING, can_move
from appointments.models import Appointment, Service
from clinic.batches import CREATED, REFUSED, UNCHANGED, UPDATED, Planned, Written, write_batches
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import ClinicError, ImpossibleTransition, Refused
from forms_app.selectors import patients_with_blocking_forms
from patients.models import Patient

PLAIN = ("starts_at", "minutes", "location", "join_url")
Status = Appointment.Status
WORDS = dict(Status.choices)


def upsert(clinic: Clinic, records: Sequence[Mapping[str, Any]], *, imported: bool = False) -> Iterator[Written]:
    """Book or change appointments, told in the records' order; see appointments/api for a record's members.

    A status that differs is that transition, at `occurred_at` (now); another start or specialist is a reschedule or a
    reassignment; what is left out stays. The same as is stored: nothing is written and nothing fires.
    What is `imported` was booked elsewhere already, so no blocking form keeps it out.
    """
    require(clinic, *DESK)
    return write_batches(records, _Writer(clinic, imported=imported))


def check(clinic: Clinic, records: Sequence[Mapping[str, Any]], *, imported: bool = False) -> Iterator[Written]:
    """Tell what `upsert` would do with each record; nothing is locked or written."""
    require(clinic, *DESK)
    return write_batches(records, _Writer(clinic, imported=imported, dry=True))


class _Writer:
    """Writes one batch in the caller's transaction; a dry one only plans."""

    def __init__(self, clinic: Clinic, *, imported: bool = False, dry: bool = False) -> None:
        self.clinic, self.imported, self.dry = clinic, imported, dry
        self.now: datetime = now()
        self.services = {row.slug: row for row in Service.objects.for_clinic(clinic)}
        staff = Membership.objects.for_clinic(clinic).filter(role=Role.SPECIALIST)
        self.staff: dict[str, Membership] = {row.slug: row for row in staff}

    def __call__(self, records: Sequence[Mapping[str, Any]]) -> list[Written]:
        """Plan every record against what is stored, then write all in a few statements."""
        self._read(records)
        plan = Planned()
        for record in records:
            try:
                self._plan(record, self.rows.get(record["external_id"]), plan)
            except ClinicError as error:
                plan.answers.append((REFUSED, None, error))
        if not self.dry:
            self._write(plan)
        return [Written(what, row.pk if row is not None else None, error) for what, row, error in plan.answers]

    def _write(self, plan: Planned) -> None:
        Appointment.objects.bulk_create(plan.new)
        if plan.changed:
            Appointment.objects.bulk_update(plan.changed, sorted(plan.fields))
        audit.record_many([_entry(what, row) for what, row, _error in plan.answers if what in (CREATED, UPDATED)])

    def _read(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Lock every patient concerned (unless it is dry), then read what is stored."""
        mine = Appointment.objects.for_clinic(self.clinic).filter(external_id__in=[r["external_id"] for r in records])
        named = {record["patient"] for record in records if "patient" in record}
        people = Patient.objects.for_clinic(self.clinic).filter(external_id__in=named)
        if not self.dry:
            lock_patients({*people.values_list("pk", flat=True), *mine.values_list("patient_id", flat=True)})
        self.patients: dict[str, Patient] = {row.external_id: row for row in people}
        self.rows: dict[str, Appointment] = {row.external_id: row for row in mine}
        looked_at = () if self.imported else self.patients.values()
        self.blocked = patients_with_blocking_forms(row.pk for row in looked_at)

    def _plan(self, record: Mapping[str, Any], row: Appointment | None, plan: Planned) -> None:
        occurred_at = record.get("occurred_at")
        if occurred_at is not None and occurred_at > self.now:
            message = _("Something that happened cannot lie in the future.")
            raise ClinicError(message, code="future", path="occurred_at")
        values = self._values(record)
        if row is None:
            row = self._new(record, values)
            plan.new.append(row)
            plan.answers.append((CREATED, row, None))
        else:
            self._check_patient(record, row)
            differing = [name for name, value in values.items() if getattr(row, name) != value]
            self._check_moves(row, {name: values[name] for name in differing})
            for name in differing:
                setattr(row, name, values[name])
            if differing:
                plan.changed.append(row)
                plan.fields |= set(differing)
            plan.answers.append((UPDATED if differing else UNCHANGED, row, None))
        row.occurred_at_hint = occurred_at  # type: ignore[attr-defined]

    def _values(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns that the record speaks of. Raises ClinicError for a name that the clinic does not have."""
        values = {name: record[name] for name in PLAIN if name in record}
        if "status" in record:
            values["status"] = record["status"]
        if "service" in record:
            service = self.services.get(record["service"])
            if service is None:
                raise _unknown("service", record)
            values["service_id"] = service.pk
        if "specialist" in record:
            slug = record["specialist"]
            member = self.staff.get(slug or "")
            if slug is not None and member is None:
                raise _unknown("specialist", record)
            values["specialist_id"] = member.pk if member else None
        return values

    def _new(self, record: Mapping[str, Any], values: dict[str, Any]) -> Appointment:
        for name in ("patient", "service", "starts_at"):
            if record.get(name) is None:
                raise ClinicError(_("A new appointment needs this."), code="required", path=name)
        patient = self.patients.get(record["patient"])
        if patient is None:
            raise _unknown("patient", record)
        service = self.services[record["service"]]
        status = values.get("status", Status.BOOKED)
        if status in UPCOMING:
            self._check_bookable(patient, service)
        self._check_works_here(record)
        values.setdefault("minutes", service.minutes)
        return Appointment(
            clinic=self.clinic, external_id=record["external_id"], patient=patient, **{**values, "status": status}
        )

    def _check_bookable(self, patient: Patient, service: Service) -> None:
        """Refuse a visit ahead that must not be booked, as `book` does."""
        if service.archived_at is not None:
            raise ClinicError(_("This service is no longer offered."), code="archived", path="service")
        if not patient.is_active:
            message = _("This patient is not active; no visit can be booked.")
            raise Refused(message, code="patient_inactive", path="patient")
        if patient.pk in self.blocked:
            message = _("A form that blocks booking is still open; have it signed first.")
            raise Refused(message, code="blocking_form", path="patient")

    def _check_works_here(self, record: Mapping[str, Any]) -> None:
        member = self.staff.get(record.get("specialist") or "")
        if member is not None and not member.is_active:
            message = _("%(name)s is not an active specialist of this clinic.") % {"name": member.name}
            raise ClinicError(message, code="not_a_specialist", path="specialist")

    def _check_patient(self, record: Mapping[str, Any], row: Appointment) -> None:
        if "patient" not in record:
            return
        patient = self.patients.get(record["patient"])
        if patient is None:
            raise _unknown("patient", record)
        if patient.pk != row.patient_id:
            raise Refused(_("It stays with its patient."), code="patient_fixed", path="patient")

    def _check_moves(self, row: Appointment, values: Mapping[str, Any]) -> None:
        """Refuse a change that the life-cycle does not have from the state that is stored."""
        if "starts_at" in values and row.status not in UPCOMING:
            raise _impossible(row, str(_("rescheduled")), "starts_at")
        if "specialist_id" in values:
            if row.status not in OPEN:
                raise _impossible(row, str(_("reassigned")), "specialist")
            slug = next((name for name, one in self.staff.items() if one.pk == values["specialist_id"]), None)
            self._check_works_here({"specialist": slug})
        if "service_id" in values and row.status not in UPCOMING:
            message = _("The service of this appointment can no longer change.")
            raise ClinicError(message, code="fixed", path="service")
        if "status" in values and not can_move(row.status, values["status"]):
            raise _impossible(row, str(WORDS[values["status"]]), "status")


def _unknown(path: str, record: Mapping[str, Any]) -> ClinicError:
    message = _("This clinic has no “%(slug)s” of that kind.") % {"slug": str(record[path])[:60]}
    return ClinicError(message, code="not_found", path=path)


def _impossible(row: Appointment, wanted: str, path: str) -> ImpossibleTransition:
    error = ImpossibleTransition(str(row._meta.verbose_name).capitalize(), str(WORDS[row.status]), wanted)
    error.path = path
    return error


def _entry(what: str, row: Appointment) -> Any:
    action = "appointment.booked" if what == CREATED else "appointment.changed"
    return audit.entry(action, obj=row, detail={"bulk": True, "status": str(row.status)})
