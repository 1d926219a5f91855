"""Short ways to the records that tests of treatments need."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from accounts.selectors import local_date
from clinic import clock
from clinic.changes import silently
from treatments import services
from treatments.models import ExerciseSession, Program, TreatmentPlan, WeeklyAdherence

STATES = tuple(TreatmentPlan.Status.values)


def make_program(clinic: Any, slug: str = "knee-rehabilitation") -> Program:
    """Return the clinic's program of that slug, made if need be."""
    found = Program.objects.filter(clinic=clinic, slug=slug).first()
    return found or Program.objects.create(clinic=clinic, slug=slug, name=slug.replace("-", " ").title())


def exercise(sessions_per_week: int = 3, name: str = "Squats") -> dict[str, Any]:
    """An exercise as the services take it."""
    return {"name": name, "sessions_per_week": sessions_per_week}


def make_draft(patient: Any, *counts: int, **fields: Any) -> TreatmentPlan:
    """Write a draft with an exercise for each count of sessions a week (one of three, if none is named)."""
    given = {"name": "Knee", "exercises": [exercise(n, f"Exercise {n}") for n in counts or (3,)]}
    return services.create_plan(clinic=patient.clinic, patient=patient, **given | fields)


def make_plan(patient: Any, *counts: int, assigned_at: datetime | None = None, **fields: Any) -> TreatmentPlan:
    """Write a plan and assign it, now or at a moment in the past."""
    if assigned_at is not None and "starts_on" not in fields:
        fields["starts_on"] = local_date(patient.clinic, assigned_at)
    return services.assign(make_draft(patient, *counts, **fields), occurred_at=assigned_at)


def make_session(plan: TreatmentPlan, done_at: datetime | None = None, **fields: Any) -> ExerciseSession:
    """Log a session."""
    return services.log_session(plan, done_at=done_at, **fields)


def make_week(plan: TreatmentPlan, completed: int, prescribed: int = 4, **fields: Any) -> WeeklyAdherence:
    """Store a closed week past the lane: the current one, unless told otherwise."""
    day = fields.pop("first_on", local_date(plan.clinic, clock.now()))
    given = {"first_on": day, "last_on": day + timedelta(days=6), "week_on": day, "closed_at": clock.now()}
    percent = 100 * min(completed, prescribed) / prescribed
    return WeeklyAdherence.objects.create(
        clinic_id=plan.clinic_id,
        plan=plan,
        patient_id=plan.patient_id,
        completed=completed,
        prescribed=prescribed,
        percent=percent,
        **given | fields,
    )


def quietly(write: Callable[[], Any]) -> Any:
    """Do a write that no rule hears of."""
    with silently("test"):
        return write()


def moves(row: Any, **values: Any) -> dict[str, Callable[[], Any]]:
    """Return every path on which the same change of a record can be written, by name."""
    model = type(row)

    def copy() -> Any:
        fresh = model.objects.get(pk=row.pk)
        for name, value in values.items():
            setattr(fresh, name, value)
        return fresh

    return {
        "save": lambda: copy().save(),
        "save some fields": lambda: copy().save(update_fields=list(values)),
        "bulk_update": lambda: model.objects.bulk_update([copy()], list(values)),
        "update": lambda: model.objects.filter(pk=row.pk).update(**values),
    }


PATHS = ("save", "save some fields", "bulk_update", "update")


def days(text: str) -> date:
    """Read an ISO day."""
    return date.fromisoformat(text)
