"""Patients of an import → rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Clinic
from fhir.batches import CREATED, REFUSED, UNCHANGED, UPDATED, Answer, Item
from fhir.mapping import ALIVE, PatientData
from patients.births import FIRST
from patients.models import Patient


class PatientWriter:
    """Creates the patients that are new, and changes what the file says otherwise of those that are not."""

    def __init__(self, clinic: Clinic, today: date) -> None:
        self.clinic = clinic
        self.today = today

    def __call__(self, items: Sequence[Item]) -> list[Answer]:
        """Write one batch in the caller's transaction."""
        ids = [data.id for _at, data in items]
        known = Patient.objects.for_clinic(self.clinic).filter(external_id__in=ids)
        rows: dict[str, Patient] = {row.external_id: row for row in known}
        new: list[Patient] = []
        changed: list[Patient] = []
        fields: set[str] = set()
        answers: list[Answer] = []
        for _at, data in items:
            row = rows.get(data.id)
            if reason := self._impossible(data):
                answers.append((REFUSED, reason))
            elif row is None:
                new.append(self._new(data))
                answers.append((CREATED, ""))
            elif differing := self._differing(row, data):
                self._apply(row, differing)
                changed.append(row)
                fields |= set(differing)
                answers.append((UPDATED, ""))
            else:
                answers.append((UNCHANGED, ""))
        Patient.objects.bulk_create(new)
        if changed:
            names = {*fields, "email_status"} if "email" in fields else fields
            Patient.objects.bulk_update(changed, sorted(names))
        return answers

    def _impossible(self, data: PatientData) -> str:
        born = data.values.get("birth_date")
        if born is not None and born > self.today:
            return _("birthDate lies in the future")
        if born is not None and born < FIRST:
            return _("birthDate lies before 1900")
        if data.deceased not in (None, ALIVE) and data.deceased is not None and born and data.deceased.last < born:
            return _("deceasedDateTime lies before birthDate")
        return ""

    def _new(self, data: PatientData) -> Patient:
        row = Patient(clinic=self.clinic, external_id=data.id, **data.values)
        if data.deceased not in (None, ALIVE):
            assert data.deceased is not None
            row.deceased_on = min(data.deceased.last, self.today)
        return row

    def _differing(self, row: Patient, data: PatientData) -> dict[str, Any]:
        values: dict[str, Any] = {name: value for name, value in data.values.items() if getattr(row, name) != value}
        if values.get("status") and row.status != Patient.Status.ACTIVE:
            del values["status"]  # archived or discharged: out of the clinic's care either way
        if data.deceased == ALIVE and row.deceased_on is not None:
            values["deceased_on"] = None
        elif data.deceased not in (None, ALIVE):
            assert data.deceased is not None
            told = data.deceased
            if row.deceased_on is None or not told.first <= row.deceased_on <= told.last:
                values["deceased_on"] = min(told.last, self.today)
        return values

    @staticmethod
    def _apply(row: Patient, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(row, name, value)
        if "email" in values:
            row.email_status = Patient.EmailStatus.UNTRIED
