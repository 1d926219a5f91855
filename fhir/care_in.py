"""CarePlans and pain Observations of an import → plans and pain scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.models import Clinic
from clinic.errors import Refused
from fhir.batches import CREATED, REFUSED, UNCHANGED, UPDATED, Answer, Item
from fhir.care import CarePlanData, PainData, ProgramData
from patients.models import Patient
from treatments.lifecycle import ENDED, RUNNING, can_move
from treatments.models import Exercise, PainScore, PlanPause, PlanVersion, Program, TreatmentPlan
from treatments.moving import note_move

Status = TreatmentPlan.Status
STRUCK = "entered_in_error"


def ensure_programs(clinic: Clinic, wanted: Iterable[ProgramData]) -> dict[str, Program]:
    """Return the program of each kind by its slug, made where the clinic has none; the first name is kept."""
    kinds: dict[str, ProgramData] = {}
    for kind in sorted(wanted, key=lambda one: one.name):
        kinds.setdefault(kind.slug, kind)
    known = {row.slug: row for row in Program.objects.for_clinic(clinic).filter(slug__in=kinds)}
    return {
        slug: known.get(slug) or Program.objects.create(clinic=clinic, slug=slug, name=kind.name)
        for slug, kind in kinds.items()
    }


def patient_ids(clinic: Clinic, external_ids: set[str]) -> dict[str, int]:
    """Return the patients of these external ids, whether or not they are still in care."""
    rows = Patient.objects.for_clinic(clinic).filter(external_id__in=external_ids)
    return dict(rows.values_list("external_id", "pk"))


def _own(row: Any, patient_id: int | None) -> int:
    """Return the patient, refusing one that is unknown or another than the stored row's."""
    if patient_id is None:
        raise Refused(
            _("its patient is neither in these files nor at the clinic; import the Patient first"), path="subject"
        )
    if row is not None and row.patient_id != patient_id:
        raise Refused(_("it belongs to another patient here"), path="subject")
    return patient_id


class PlanWriter:
    """Creates the plans that are new, and takes the others where the file says they got to.

    Weeks before the import are nobody's to judge: they count from today on.
    """

    def __init__(
        self, clinic: Clinic, programs: Mapping[str, Program], staff: Mapping[str, int], now: datetime
    ) -> None:
        self.clinic, self.programs, self.staff, self.now = clinic, programs, staff, now
        self.zone = ZoneInfo(clinic.time_zone)

    def __call__(self, items: Sequence[Item]) -> list[Answer]:
        """Write one batch in the caller's transaction."""
        plans: list[CarePlanData] = [data for _place, data in items]
        patients = patient_ids(self.clinic, {data.patient_id for data in plans})
        known = TreatmentPlan.objects.for_clinic(self.clinic).filter(external_id__in=[data.id for data in plans])
        rows: dict[str, TreatmentPlan] = {row.external_id: row for row in known}
        prescribed = _prescribed(rows.values())
        new: list[tuple[TreatmentPlan, CarePlanData]] = []
        answers: list[Answer] = []
        for data in plans:
            try:
                row = rows.get(data.id)
                patient_id = _own(row, patients.get(data.patient_id))
                if row is None:
                    new.append((self._new(data, patient_id), data))
                    answers.append((CREATED, ""))
                else:
                    changed = self._change(row, data, prescribed.get(row.pk, ()))
                    answers.append((UPDATED if changed else UNCHANGED, ""))
            except Refused as refusal:
                answers.append((REFUSED, refusal.message))
        self._store(new)
        return answers

    def _new(self, data: CarePlanData, patient_id: int) -> TreatmentPlan:
        if data.status == STRUCK:
            raise Refused(_("it was entered in error; there is nothing to import"), path="status")
        row = TreatmentPlan(
            clinic=self.clinic, external_id=data.id, patient_id=patient_id, status=data.status, **self._values(data)
        )
        if data.status in RUNNING:
            row.active_on, row.counted_until_on = row.starts_on, max(row.starts_on, self._day(self.now))
        elif data.status in ENDED:
            row.active_on = row.starts_on
            row.ended_on = self._day(self._happened(data))
        row.occurred_at_hint = self._happened(data)  # type: ignore[attr-defined]
        return row

    def _values(self, data: CarePlanData) -> dict[str, Any]:
        values: dict[str, Any] = {
            "name": data.name,
            "program_id": self.programs[data.program.slug].pk if data.program else None,
            "starts_on": self._day(data.starts_at),
            "ends_on": self._day(data.ends_at) if data.ends_at else None,
        }
        if specialist := self.staff.get(data.practitioner_id or ""):
            values["specialist_id"] = specialist
        return values

    def _store(self, new: Sequence[tuple[TreatmentPlan, CarePlanData]]) -> None:
        TreatmentPlan.objects.bulk_create(row for row, _data in new)
        versions = [_version(row, 1, row.starts_on, data) for row, data in new]
        PlanVersion.objects.bulk_create(versions)
        Exercise.objects.bulk_create(
            one for version, (_row, data) in zip(versions, new, strict=True) for one in _exercises(version, data)
        )
        today = self._day(self.now)
        paused = [row for row, _data in new if row.status == Status.PAUSED]
        PlanPause.objects.bulk_create(
            PlanPause(clinic=self.clinic, plan=row, from_on=max(today, row.starts_on)) for row in paused
        )

    def _change(self, row: TreatmentPlan, data: CarePlanData, prescribed: Sequence[tuple[str, int]]) -> bool:
        """Bring a stored plan to what the file says; tell whether anything differed."""
        values = self._values(data)
        status = Status.CANCELLED.value if data.status == STRUCK else data.status
        if row.status != status and not can_move(row.status, status):
            words = dict(Status.choices)
            raise Refused(
                _("it is %(current)s here and cannot become %(wanted)s; if that is right, correct it by hand")
                % {"current": words[row.status], "wanted": words[status]},
                path="status",
            )
        differing = {name: value for name, value in values.items() if getattr(row, name) != value}
        for name, value in differing.items():
            setattr(row, name, value)
        if row.status != status:
            day = self._day(self._happened(data))
            note_move(row, status, day, counted_from=max(row.starts_on, self._day(self.now)))
            row.status = status
            row.occurred_at_hint = self._happened(data)  # type: ignore[attr-defined]
            differing["status"] = status
        if differing:
            row.save()
        revised = tuple(prescribed) != data.exercises
        if revised:
            self._revise(row, data)
        return bool(differing) or revised

    def _revise(self, row: TreatmentPlan, data: CarePlanData) -> None:
        number = PlanVersion.objects.filter(plan=row).count() + 1
        version = _version(row, number, max(row.starts_on, self._day(self.now)), data)
        version.save()
        Exercise.objects.bulk_create(_exercises(version, data))

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def _happened(self, data: CarePlanData) -> datetime:
        """Return when the plan got to its state: an ended one at its end, others when they began, never ahead."""
        ended = data.ends_at if data.status in ENDED else None
        return min(ended or data.starts_at, self.now)


def _prescribed(plans: Iterable[TreatmentPlan]) -> dict[int, tuple[tuple[str, int], ...]]:
    """Return the exercises of each plan's newest version, as (name, sessions a week)."""
    newest = PlanVersion.objects.filter(plan__in=list(plans)).order_by("plan_id", "-number").distinct("plan_id")
    found: dict[int, list[tuple[str, int]]] = {}
    rows = Exercise.objects.filter(version__in=list(newest)).order_by("version_id", "position")
    for pk, name, count in rows.values_list("version__plan_id", "name", "sessions_per_week"):
        found.setdefault(pk, []).append((name, count))
    return {pk: tuple(exercises) for pk, exercises in found.items()}


def _version(row: TreatmentPlan, number: int, from_on: date, data: CarePlanData) -> PlanVersion:
    total = sum(count for _name, count in data.exercises)
    return PlanVersion(clinic_id=row.clinic_id, plan=row, number=number, from_on=from_on, sessions_per_week=total)


def _exercises(version: PlanVersion, data: CarePlanData) -> list[Exercise]:
    return [
        Exercise(clinic_id=version.clinic_id, version=version, position=position, name=name, sessions_per_week=count)
        for position, (name, count) in enumerate(data.exercises)
    ]


class PainWriter:
    """Creates the scores that are new, and changes what the file says otherwise of those that are not."""

    def __init__(self, clinic: Clinic, now: datetime) -> None:
        self.clinic, self.now = clinic, now

    def __call__(self, items: Sequence[Item]) -> list[Answer]:
        """Write one batch in the caller's transaction."""
        scores: list[PainData] = [data for _place, data in items]
        patients = patient_ids(self.clinic, {data.patient_id for data in scores})
        known = PainScore.objects.for_clinic(self.clinic).filter(external_id__in=[data.id for data in scores])
        rows: dict[str, PainScore] = {row.external_id: row for row in known}
        new: list[PainScore] = []
        changed: list[PainScore] = []
        answers: list[Answer] = []
        for data in scores:
            try:
                row, differs = self._plan(data, rows.get(data.id), patients.get(data.patient_id))
            except Refused as refusal:
                answers.append((REFUSED, refusal.message))
                continue
            if differs is None:
                new.append(row)
            elif differs:
                changed.append(row)
            answers.append((CREATED if differs is None else UPDATED if differs else UNCHANGED, ""))
        PainScore.objects.bulk_create(new)
        if changed:
            PainScore.objects.bulk_update(changed, ["value", "measured_at", "status"])
        return answers

    def _plan(self, data: PainData, row: PainScore | None, patient_id: int | None) -> tuple[PainScore, bool | None]:
        """Return the row as it should be, and whether it differs; None for a new one."""
        values = {"value": data.value, "measured_at": data.measured_at, "status": data.status}
        if data.measured_at > self.now:
            raise Refused(_("it lies in the future"), path="effectiveDateTime")
        own = _own(row, patient_id)
        if row is None:
            source = PainScore.Source.IMPORT
            made = PainScore(clinic=self.clinic, external_id=data.id, patient_id=own, source=source, **values)
            made.occurred_at_hint = data.measured_at  # type: ignore[attr-defined]
            return made, None
        differs = any(getattr(row, name) != value for name, value in values.items())
        for name, value in values.items():
            setattr(row, name, value)
        return row, differs
