"""Encounters of an import → appointments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Clinic, Membership
from accounts.permissions import Role
from appointments.lifecycle import UPCOMING, can_move
from appointments.models import Appointment, Service
from clinic.errors import Refused
from fhir.batches import CREATED, REFUSED, UNCHANGED, UPDATED, Answer, Item
from fhir.mapping import EncounterData, PractitionerData, ServiceData, slug_of
from patients.models import Patient

Status = Appointment.Status


def ensure_services(clinic: Clinic, wanted: Iterable[ServiceData]) -> dict[str, Service]:
    """Return the service of each kind by its slug: one known by that slug or by the code, else a new one.

    Of several names with one slug the first in the alphabet is kept, so that the order of the files does not matter.
    """
    kinds: dict[str, ServiceData] = {}
    for kind in sorted(wanted, key=lambda one: (one.name, one.code)):
        kinds.setdefault(kind.slug, kind)
    slugs = {slug for kind in kinds.values() for slug in (kind.slug, kind.code)}
    known = {row.slug: row for row in Service.objects.for_clinic(clinic).filter(slug__in=slugs)}
    found = {}
    for slug, kind in kinds.items():
        row = known.get(slug) or known.get(kind.code)
        found[slug] = row or Service.objects.create(clinic=clinic, slug=slug, name=kind.name)
    return found


def staff_by_practitioner(clinic: Clinic, practitioners: Iterable[PractitionerData]) -> dict[str, int]:
    """Return practitioner id → membership id for those who are specialists here, known by slug or name.

    Nobody is added to the staff by an import: who may sign in and see patients is the clinic's decision.
    """
    staff = Membership.objects.for_clinic(clinic).filter(role=Role.SPECIALIST, is_active=True).order_by("-pk")
    by_word = {word: member.pk for member in staff for word in (slug_of(member.name), member.slug)}
    found = {}
    for one in practitioners:
        matches = {by_word[word] for word in one.words if word in by_word}
        if len(matches) == 1:
            found[one.id] = matches.pop()
    return found


class AppointmentWriter:
    """Creates the appointments that are new, and takes the others where the file says they got to."""

    def __init__(
        self, clinic: Clinic, services: Mapping[str, Service], staff: Mapping[str, int], now: datetime
    ) -> None:
        self.clinic = clinic
        self.services = services
        self.staff = staff
        self.now = now

    def __call__(self, items: Sequence[Item]) -> list[Answer]:
        """Write one batch in the caller's transaction."""
        encounters: list[EncounterData] = [data for _place, data in items]
        patients = self._ids(Patient, {data.patient_id for data in encounters})
        known = Appointment.objects.for_clinic(self.clinic).filter(external_id__in=[data.id for data in encounters])
        rows: dict[str, Appointment] = {row.external_id: row for row in known}
        new: list[Appointment] = []
        changed: list[Appointment] = []
        fields: set[str] = set()
        answers: list[Answer] = []
        for data in encounters:
            try:
                row, differing = self._plan(data, rows.get(data.id), patients.get(data.patient_id))
            except Refused as refusal:
                answers.append((REFUSED, refusal.message))
                continue
            if differing is None:
                new.append(row)
            elif differing:
                changed.append(row)
                fields |= differing
            answers.append((CREATED if differing is None else UPDATED if differing else UNCHANGED, ""))
        Appointment.objects.bulk_create(new)
        if changed:
            Appointment.objects.bulk_update(changed, sorted(fields))
        return answers

    def _ids(self, model: Any, external_ids: set[str]) -> dict[str, int]:
        rows = model.objects.for_clinic(self.clinic).filter(external_id__in=external_ids)
        return dict(rows.values_list("external_id", "pk"))

    def _plan(
        self, data: EncounterData, row: Appointment | None, patient_id: int | None
    ) -> tuple[Appointment, set[str] | None]:
        """Return the row as it should be, and the names of its fields that differ; None for a new row."""
        if patient_id is None:
            raise Refused(
                _("its patient is neither in these files nor at the clinic; import the Patient first"), path="subject"
            )
        if row is None:
            return self._new(data, patient_id), None
        if row.patient_id != patient_id:
            raise Refused(_("it belongs to another patient here"), path="subject")
        values = self._values(data) | self._state(data, row)
        differing = {name for name, value in values.items() if getattr(row, name) != value}
        for name in differing:
            setattr(row, name, values[name])
        if "status" in differing:
            row.occurred_at_hint = self._happened(data)  # type: ignore[attr-defined]
        return row, differing

    def _new(self, data: EncounterData, patient_id: int) -> Appointment:
        row = Appointment(
            clinic=self.clinic,
            external_id=data.id,
            patient_id=patient_id,
            status=data.status,
            **{"minutes": self.services[data.service.slug].minutes} | self._values(data),
        )
        row.occurred_at_hint = self._happened(data)  # type: ignore[attr-defined]
        return row

    def _values(self, data: EncounterData) -> dict[str, Any]:
        values: dict[str, Any] = {"service_id": self.services[data.service.slug].pk, "starts_at": data.starts_at}
        if data.minutes is not None:
            values["minutes"] = data.minutes
        if specialist := self.staff.get(data.practitioner_id or ""):
            values["specialist_id"] = specialist
        return values

    def _state(self, data: EncounterData, row: Appointment) -> dict[str, Any]:
        """Return the state to move to; a planned visit may be confirmed here already."""
        if data.status == row.status or (data.planned and row.status in UPCOMING):
            return {}
        if not can_move(row.status, data.status):
            words = dict(Status.choices)
            raise Refused(
                _("it is %(current)s here and cannot become %(wanted)s; if that is right, correct it by hand")
                % {"current": words[row.status], "wanted": words[data.status]},
                path="status",
            )
        return {"status": data.status}

    def _happened(self, data: EncounterData) -> datetime:
        """Return when the visit got to its state: a completed one at its end, others when they began, never ahead."""
        ended = data.ends_at if data.status == Status.COMPLETED else None
        return min(ended or data.starts_at, self.now)
