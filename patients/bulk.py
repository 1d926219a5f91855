"""Many patients at once, known by their external id: new ones registered, others changed where a line differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Clinic
from accounts.permissions import require
from accounts.selectors import local_date
from clinic.batches import CREATED, REFUSED, UNCHANGED, UPDATED, Planned, Written, write_batches
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import ClinicError
from patients.births import check_birth
from patients.models import Patient

FIELDS = ("given_name", "family_name", "birth_date", "sex", "email", "phone", "language", "city", "source")


def upsert(clinic: Clinic, records: Sequence[Mapping[str, Any]]) -> Iterator[Written]:
    """Register or change patients ({external_id, FIELDS…, occurred_at?}); what is left out stays, and is told in order.

    Batches commit one by one; a record that is refused undoes no other. Nothing different: nothing is written.
    """
    require(clinic)
    return write_batches(records, _Writer(clinic))


def check(clinic: Clinic, records: Sequence[Mapping[str, Any]]) -> Iterator[Written]:
    """Tell what `upsert` would do with each record; nothing is locked or written."""
    require(clinic)
    return write_batches(records, _Writer(clinic, dry=True))


class _Writer:
    """Writes one batch in the caller's transaction; a dry one only plans."""

    def __init__(self, clinic: Clinic, dry: bool = False) -> None:
        self.clinic, self.dry = clinic, dry
        self.now: datetime = now()
        self.today: date = local_date(clinic, self.now)

    def __call__(self, records: Sequence[Mapping[str, Any]]) -> list[Written]:
        """Plan every record against what is stored, then write all in a few statements."""
        mine = Patient.objects.for_clinic(self.clinic).filter(external_id__in=[one["external_id"] for one in records])
        if not self.dry:
            lock_patients(mine.values_list("pk", flat=True))
        stored: dict[str, Patient] = {row.external_id: row for row in mine}
        plan = Planned()
        for record in records:
            try:
                self._plan(record, stored.get(record["external_id"]), plan)
            except ClinicError as error:
                plan.answers.append((REFUSED, None, error))
        if not self.dry:
            self._write(plan)
        return [Written(what, row.pk if row is not None else None, error) for what, row, error in plan.answers]

    def _write(self, plan: Planned) -> None:
        Patient.objects.bulk_create(plan.new)
        if plan.changed:
            Patient.objects.bulk_update(plan.changed, sorted(plan.fields))
        told = [(what, row) for what, row, _error in plan.answers if what in (CREATED, UPDATED)]
        names = {CREATED: "patient.registered", UPDATED: "patient.updated"}
        audit.record_many([audit.entry(names[what], obj=row, detail={"bulk": True}) for what, row in told])

    def _plan(self, record: Mapping[str, Any], row: Patient | None, plan: Planned) -> None:
        occurred_at = record.get("occurred_at")
        self._check(record, occurred_at)
        values = {name: record[name] for name in FIELDS if name in record}
        if row is None:
            if "given_name" not in values:
                raise ClinicError(_("A new patient needs a given name."), code="required", path="given_name")
            row = Patient(clinic=self.clinic, external_id=record["external_id"], **values)
            if occurred_at is not None:
                row.registered_at = occurred_at
            plan.new.append(row)
            plan.answers.append((CREATED, row, None))
        else:
            differing = [name for name, value in values.items() if getattr(row, name) != value]
            for name in differing:
                setattr(row, name, values[name])
            if "email" in differing:
                row.email_status = Patient.EmailStatus.UNTRIED
                differing.append("email_status")
            if differing:
                plan.changed.append(row)
                plan.fields |= set(differing)
            plan.answers.append((UPDATED if differing else UNCHANGED, row, None))
        row.occurred_at_hint = occurred_at  # type: ignore[attr-defined]

    def _check(self, record: Mapping[str, Any], occurred_at: datetime | None) -> None:
        check_birth(record.get("birth_date"), self.today)
        if occurred_at is not None and occurred_at > self.now:
            raise ClinicError(_("Something that happened cannot lie in the future."), code="future", path="occurred_at")
