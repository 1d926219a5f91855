"""Write plans: new ones, changes of what a plan says, and new versions of what it prescribes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, permissions
from accounts.guards import CARE, check_clinic, check_moment, check_revision, check_specialist
from accounts.models import Membership
from accounts.validation import check
from clinic.db import lock_patients
from clinic.errors import ClinicError, ImpossibleTransition, Refused
from treatments.exercising import checked
from treatments.lifecycle import OPEN
from treatments.locking import clinic_day, fresh
from treatments.models import Exercise, PlanVersion, Program, TreatmentPlan
from treatments.weeks import recount

CHANGEABLE = frozenset({"name", "program", "specialist", "starts_on", "ends_on"})


def create_plan(
    *,
    clinic: Any,
    patient: Any,
    name: str = "",
    exercises: Sequence[Mapping[str, Any]] = (),
    starts_on: date | None = None,
    ends_on: date | None = None,
    program: Program | None = None,
    specialist: Membership | None = None,
    external_id: str | None = None,
) -> TreatmentPlan:
    """Write a draft of a plan: no rule hears of it until it is assigned. It starts today unless told otherwise.

    `exercises` are {name, sessions_per_week, instructions?}; `name` is the program's unless given. Raises ClinicError
    naming what does not fit, Refused for a patient who is not active.
    """
    permissions.require(clinic, *CARE)
    check_clinic(clinic, patient=patient, program=program)
    check_specialist(clinic, specialist)
    with transaction.atomic():
        lock_patients([patient.pk])
        if not type(patient).objects.get(pk=patient.pk).is_active:
            raise Refused(
                _("This patient is not active; no plan can be written."), code="patient_inactive", path="patient"
            )
        plan = TreatmentPlan(
            clinic=clinic,
            patient=patient,
            program=_offered(program),
            name=name.strip() or (program.name if program else ""),
            specialist=specialist,
            ends_on=ends_on,
            external_id=external_id or None,
        )
        plan.starts_on = starts_on or clinic_day(plan, None)
        check(plan)
        plan.save()
        _write_version(plan, exercises, plan.starts_on)
        audit.record("plan.created", obj=plan)
    return plan


def _offered(program: Program | None) -> Program | None:
    if program is not None and program.archived_at is not None:
        raise ClinicError(_("This program is no longer offered."), code="archived", path="program")
    return program


def change(
    plan: TreatmentPlan, *, occurred_at: datetime | None = None, revision: int | None = None, **values: Any
) -> TreatmentPlan:
    """Change name, program, specialist, ends_on, and of a draft starts_on, all in one write.

    Moving the last day moves what hangs on it.
    """
    permissions.require(plan.clinic_id, *CARE)
    check_moment(occurred_at)
    unknown = sorted(set(values) - CHANGEABLE)
    if unknown:
        raise TypeError(f"change() does not know {', '.join(unknown)}; it changes {', '.join(sorted(CHANGEABLE))}.")
    with transaction.atomic():
        row = fresh(plan)
        differing = {name: value for name, value in values.items() if getattr(row, name) != value}
        if not differing:
            return row
        _check_change(row, differing)
        check_revision(row, revision)
        for name, value in differing.items():
            setattr(row, name, value)
        row.occurred_at_hint = occurred_at  # type: ignore[attr-defined]
        check(row)
        row.save()
        audit.record("plan.changed", obj=row, detail={"fields": sorted(differing)})
    return row


def _check_change(row: TreatmentPlan, values: Mapping[str, Any]) -> None:
    if row.status not in OPEN:
        raise ImpossibleTransition(str(row._meta.verbose_name), row.get_status_display(), str(_("changed")))
    if "starts_on" in values and row.status != TreatmentPlan.Status.DRAFT:
        raise ClinicError(_("The first day of a plan that was assigned stays."), code="fixed", path="starts_on")
    if "specialist" in values:
        check_specialist(row.clinic, values["specialist"])
    if "program" in values:
        check_clinic(row.clinic, program=values["program"])
        _offered(values["program"])


def revise(
    plan: TreatmentPlan,
    *,
    exercises: Sequence[Mapping[str, Any]],
    from_on: date | None = None,
    revision: int | None = None,
) -> PlanVersion:
    """Prescribe something else from a day on (today unless given): a new version; the old ones stay as they were.

    Weeks that are closed already and reach past that day are counted anew; rules hear nothing of it.
    """
    permissions.require(plan.clinic_id, *CARE)
    with transaction.atomic():
        row = fresh(plan)
        if row.status not in OPEN:
            raise ImpossibleTransition(str(row._meta.verbose_name), row.get_status_display(), str(_("changed")))
        check_revision(row, revision)
        start = from_on or (row.starts_on if row.status == TreatmentPlan.Status.DRAFT else clinic_day(row, None))
        version = _write_version(row, exercises, max(start, row.starts_on))
        recount(row, since=version.from_on)
        audit.record("plan.revised", obj=row, detail={"version": version.number})
    return version


def _write_version(plan: TreatmentPlan, exercises: Sequence[Mapping[str, Any]], from_on: date) -> PlanVersion:
    number = PlanVersion.objects.filter(plan=plan).count() + 1
    rows = [
        Exercise(clinic_id=plan.clinic_id, position=position, **one) for position, one in enumerate(checked(exercises))
    ]
    total = sum(row.sessions_per_week for row in rows)
    version = PlanVersion.objects.create(
        clinic_id=plan.clinic_id,
        plan=plan,
        number=number,
        from_on=from_on,
        sessions_per_week=total,
        written_by=permissions.membership_at(plan.clinic_id),
    )
    for row in rows:
        row.version = version
    Exercise.objects.bulk_create(rows)
    return version
