"""The expressions behind the facts about a patient's plans, sessions and pain; both readers use them.

`ctx` says where the patient, the moment and the clinic's calendar come from (automations/context.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Subquery

from treatments.models import ExerciseSession, PainScore, TreatmentPlan, WeeklyAdherence

ELAPSED = ("minutes", "hours")


def pain_score(ctx: Any, window: Mapping[str, Any] | None = None) -> Any:
    """Find the latest pain that was measured by now, in the window if there is one."""
    rows = PainScore.objects.filter(patient_id=ctx.outer_patient_id, status=PainScore.Status.FINAL)
    rows = rows.filter(measured_at__lte=ctx.outer(ctx.now))
    if window:
        start = ctx.outer(ctx.window_start(window))
        rows = rows.filter(**{"measured_at__gt" if window["unit"] in ELAPSED else "measured_at__gte": start})
    return Subquery(rows.order_by("-measured_at", "-pk").values("value")[:1])


def active_plan(ctx: Any) -> Any:
    """Tell whether the patient follows a plan that is not paused."""
    rows = TreatmentPlan.objects.filter(patient_id=ctx.outer_patient_id, status=TreatmentPlan.Status.ACTIVE)
    return Exists(rows.order_by())


def plan_ends_on(ctx: Any) -> Any:
    """Find the last day of the newest plan that was assigned and not called off; one that went on to it counts too."""
    states = (TreatmentPlan.Status.ACTIVE, TreatmentPlan.Status.PAUSED, TreatmentPlan.Status.COMPLETED)
    rows = TreatmentPlan.objects.filter(patient_id=ctx.outer_patient_id, status__in=states)
    return Subquery(rows.order_by("-active_on", "-pk").values("ends_on")[:1])


def last_session_at(ctx: Any) -> Any:
    """Find when the latest session was done."""
    rows = ExerciseSession.objects.filter(patient_id=ctx.outer_patient_id, status=ExerciseSession.Status.DONE)
    rows = rows.filter(done_at__lte=ctx.outer(ctx.now))
    return Subquery(rows.order_by("-done_at").values("done_at")[:1])


def adherence(ctx: Any, week: str = "last") -> Any:
    """Find the adherence of the last evaluated week, or of the one before it of the same plan."""
    newest = ("-week_on", "-plan_id")
    rows = WeeklyAdherence.objects.filter(patient_id=ctx.outer_patient_id, closed_at__lte=ctx.outer(ctx.now))
    if week == "last":
        return Subquery(rows.order_by(*newest).values("percent")[:1])
    of_all = WeeklyAdherence.objects.filter(patient_id=OuterRef("patient_id"), closed_at__lte=ctx.outer(ctx.now, 2))
    same_plan = rows.filter(plan_id=Subquery(of_all.order_by(*newest).values("plan_id")[:1]))
    return Subquery(same_plan.order_by("-week_on").values("percent")[1:2])
