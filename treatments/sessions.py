"""Log sessions and pain, and correct them: a late entry counts for the week of its day, and rules hear nothing new."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, permissions
from accounts.actor import current
from accounts.guards import DESK, check_clinic, check_moment, check_revision
from accounts.validation import check
from clinic import clock
from clinic.db import lock_patients
from clinic.errors import ClinicError
from treatments.locking import fresh, fresh_session, patient_day
from treatments.models import PAIN_MAX, Exercise, ExerciseSession, PainScore, TreatmentPlan
from treatments.weeks import recount

By = ExerciseSession.By
NOTE_MAX = 2000
UNCHANGED: Any = object()


def log_session(
    plan: TreatmentPlan,
    *,
    done_at: datetime | None = None,
    exercise: Exercise | None = None,
    pain: int | None = None,
    note: str = "",
    logged_by: str | None = None,
) -> ExerciseSession:
    """Note that an exercise was done (now, unless told when), and how much it hurt, 0 to 10.

    Staff may log, and the plan's patient (an actor of the kind "patient"). Raises ClinicError for a session outside
    the plan's days, of another plan's exercise, or with a pain that is no whole number from 0 to 10.
    """
    own = _is_own(plan.patient_id)
    if not own:
        permissions.require(plan.clinic_id, *DESK)
    check_moment(done_at, "done_at")
    with transaction.atomic():
        row = fresh(plan)
        moment = done_at or clock.now()
        session = ExerciseSession(
            clinic_id=row.clinic_id,
            plan=row,
            patient=row.patient,
            exercise=exercise,
            done_at=moment,
            done_on=patient_day(row.patient, row.clinic.time_zone, moment),
            pain=_pain(pain),
            note=note.strip()[:NOTE_MAX],
            logged_by=logged_by or (By.PATIENT if own else By.STAFF),
            member=permissions.membership_at(row.clinic_id),
        )
        _check_session(session, row)
        session.occurred_at_hint = done_at  # type: ignore[attr-defined]
        session.save()
        _keep_pain(session)
        recount(row, since=session.done_on, until=session.done_on)
        audit.record("session.logged", obj=session, detail={"by": str(session.logged_by)})
    return session


def _is_own(patient_id: int) -> bool:
    actor = current()
    return actor.kind == "patient" and actor.patient_id == patient_id


def _pain(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= PAIN_MAX):
        return value
    raise ClinicError(_("Give the pain as a whole number from 0 to 10."), code="invalid", path="pain")


def _check_session(session: ExerciseSession, plan: TreatmentPlan) -> None:
    if plan.active_on is None:
        raise ClinicError(_("This plan was never assigned; assign it first."), code="not_assigned", path="plan")
    day = session.done_on
    if day < plan.starts_on or (plan.ended_on is not None and day > plan.ended_on):
        raise ClinicError(_("This day lies outside the plan."), code="outside_plan", path="done_at")
    exercise = session.exercise
    if exercise is not None and exercise.version.plan_id != plan.pk:
        raise ClinicError(_("This exercise is not one of this plan."), code="not_found", path="exercise")
    if session.logged_by not in By.values:
        raise ClinicError(
            _("A session is logged by one of: %(words)s.") % {"words": ", ".join(By.values)},
            code="invalid_choice",
            path="logged_by",
        )


def correct_session(
    session: ExerciseSession,
    *,
    done_at: datetime | None = None,
    pain: int | None = UNCHANGED,
    note: str | None = None,
    revision: int | None = None,
) -> ExerciseSession:
    """Correct when a session was done, how much it hurt, or its note. Closed weeks are counted anew, silently."""
    permissions.require(session.clinic_id, *DESK)
    check_moment(done_at, "done_at")
    with transaction.atomic():
        row = fresh_session(session)
        check_revision(row, revision)
        days = {row.done_on}
        if done_at is not None:
            row.done_at = done_at
            row.done_on = patient_day(row.patient, row.plan.clinic.time_zone, done_at)
        row.pain = row.pain if pain is UNCHANGED else _pain(pain)
        row.note = row.note if note is None else note.strip()[:NOTE_MAX]
        _check_session(row, row.plan)
        row.save()
        _keep_pain(row)
        for day in days | {row.done_on}:
            recount(row.plan, since=day, until=day)
        audit.record("session.corrected", obj=row)
    return row


def strike_session(session: ExerciseSession, *, revision: int | None = None) -> ExerciseSession:
    """Strike out a session that never was, with the pain told in it. Struck out already: nothing happens."""
    permissions.require(session.clinic_id, *DESK)
    with transaction.atomic():
        row = fresh_session(session)
        if row.status == ExerciseSession.Status.ENTERED_IN_ERROR:
            return row
        check_revision(row, revision)
        row.status = ExerciseSession.Status.ENTERED_IN_ERROR
        row.save()
        _keep_pain(row)
        recount(row.plan, since=row.done_on, until=row.done_on)
        audit.record("session.entered_in_error", obj=row)
    return row


def _keep_pain(session: ExerciseSession) -> None:
    """Keep the pain score of a session as the session has it."""
    told = session.pain is not None and session.status == ExerciseSession.Status.DONE
    score: PainScore | None = PainScore.objects.filter(session=session).first()
    if score is None and not told:
        return
    if score is None:
        score = PainScore(
            clinic_id=session.clinic_id,
            patient_id=session.patient_id,
            session=session,
            source=PainScore.Source.SESSION,
        )
    score.status = PainScore.Status.FINAL if told else PainScore.Status.ENTERED_IN_ERROR
    if session.pain is not None:
        score.value = float(session.pain)
    score.measured_at = session.done_at
    score.save()


def record_pain(
    *, clinic: Any, patient: Any, value: float, measured_at: datetime | None = None, external_id: str | None = None
) -> PainScore:
    """Note how much pain a patient tells of, 0 to 10, outside any session."""
    permissions.require(clinic, *DESK)
    check_clinic(clinic, patient=patient)
    check_moment(measured_at, "measured_at")
    with transaction.atomic():
        lock_patients([patient.pk])
        row = PainScore(
            clinic=clinic,
            patient=patient,
            value=value,
            measured_at=measured_at or clock.now(),
            source=PainScore.Source.STAFF,
            external_id=external_id or None,
        )
        check(row)
        row.save()
        audit.record("pain.recorded", obj=row)
    return row


def strike_pain(score: PainScore, *, revision: int | None = None) -> PainScore:
    """Strike out a score that was entered in error; that of a session goes with its session."""
    permissions.require(score.clinic_id, *DESK)
    with transaction.atomic():
        lock_patients([score.patient_id])
        row: PainScore = PainScore.objects.get(pk=score.pk)
        if row.status == PainScore.Status.ENTERED_IN_ERROR:
            return row
        if row.session_id is not None:
            raise ClinicError(_("This was told in a session: correct the session."), code="of_session", path="session")
        check_revision(row, revision)
        row.status = PainScore.Status.ENTERED_IN_ERROR
        row.save()
        audit.record("pain.entered_in_error", obj=row)
    return row
