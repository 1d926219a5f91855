"""The verbs of treatments. Each is locked, asks for the role, is audited, and says no with a reason.

Asking for the state that a plan is in does nothing: no event, no error, so that a second click is harmless.
`occurred_at` says when it happened, if not now; `revision` is that of the copy which the person saw.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, permissions
from accounts.guards import CARE, REASON_MAX, check_moment, check_revision
from clinic.errors import ClinicError, ImpossibleTransition, Refused
from treatments.lifecycle import RUNNING, VERBS
from treatments.locking import clinic_day, fresh
from treatments.models import TreatmentPlan
from treatments.moving import note_move
from treatments.planning import change, create_plan, revise
from treatments.programs import archive_program, create_program, restore_program, update_program
from treatments.sessions import correct_session, log_session, record_pain, strike_pain, strike_session
from treatments.weeks import recount

__all__ = [
    "archive_program",
    "assign",
    "cancel",
    "change",
    "complete",
    "correct_session",
    "create_plan",
    "create_program",
    "log_session",
    "pause",
    "record_pain",
    "restore_program",
    "resume",
    "revise",
    "strike_pain",
    "strike_session",
    "update_program",
]


def assign(plan: TreatmentPlan, *, occurred_at: datetime | None = None, revision: int | None = None) -> TreatmentPlan:
    """Give the plan to the patient: from today, or from its first day if that is later, its sessions count."""
    return _move(plan, "assign", "plan.assigned", occurred_at, revision)


def pause(plan: TreatmentPlan, *, occurred_at: datetime | None = None, revision: int | None = None) -> TreatmentPlan:
    """Prescribe nothing from today until the plan is resumed."""
    return _move(plan, "pause", "plan.paused", occurred_at, revision)


def resume(plan: TreatmentPlan, *, occurred_at: datetime | None = None, revision: int | None = None) -> TreatmentPlan:
    """Go on with a paused plan, today included."""
    return _move(plan, "resume", "plan.resumed", occurred_at, revision)


def complete(plan: TreatmentPlan, *, occurred_at: datetime | None = None, revision: int | None = None) -> TreatmentPlan:
    """End the plan: the patient has done what was to be done."""
    return _move(plan, "complete", "plan.completed", occurred_at, revision)


def cancel(
    plan: TreatmentPlan, *, reason: str = "", occurred_at: datetime | None = None, revision: int | None = None
) -> TreatmentPlan:
    """End the plan before its time, or throw a draft away."""
    return _move(plan, "cancel", "plan.cancelled", occurred_at, revision, reason)


def _move(
    plan: TreatmentPlan, name: str, action: str, occurred_at: datetime | None, revision: int | None, reason: str = ""
) -> TreatmentPlan:
    permissions.require(plan.clinic_id, *CARE)
    check_moment(occurred_at)
    verb = VERBS[name]
    with transaction.atomic():
        row = fresh(plan)
        if row.status == verb.to:
            return row
        if row.status not in verb.sources:
            raise ImpossibleTransition(str(row._meta.verbose_name), row.get_status_display(), str(verb.to.label))
        check_revision(row, revision)
        day = clinic_day(row, occurred_at)
        detail = {"from": row.status} | ({"reason": reason.strip()[:REASON_MAX]} if reason.strip() else {})
        _check_day(row, name, day)
        note_move(row, verb.to, day)
        row.status = verb.to
        row.occurred_at_hint = occurred_at  # type: ignore[attr-defined]
        row.save()
        if row.active_on is not None and day < clinic_day(row, None):
            recount(row, since=day)
        audit.record(action, obj=row, detail=detail)
    return row


def _check_day(row: TreatmentPlan, verb: str, day: date) -> None:
    if verb == "assign":
        _check_assignable(row, day)
    elif row.status in RUNNING and verb != "resume":
        _check_not_before(row, day)


def _check_assignable(row: TreatmentPlan, day: date) -> None:
    if not row.patient.is_active:
        raise Refused(
            _("This patient is not active; no plan can be assigned."), code="patient_inactive", path="patient"
        )
    if row.ends_on is not None and row.ends_on < day:
        raise ClinicError(_("The last day of this plan has passed; move it first."), code="over", path="ends_on")
    newest = row.versions.order_by("-number").first()
    if newest is None or not newest.exercises.exists():
        raise ClinicError(
            _("This plan has no exercises: prescribe at least one before it is assigned."),
            code="no_exercises",
            path="exercises",
        )


def _check_not_before(row: TreatmentPlan, day: date) -> None:
    if row.active_on is not None and day < row.active_on:
        raise ClinicError(
            _("This lies before the day on which the plan was assigned."), code="too_early", path="occurred_at"
        )
