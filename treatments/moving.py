"""What a move of a plan means for the days on which something is prescribed; whoever moves one notes it here."""

from __future__ import annotations

from datetime import date

from treatments.lifecycle import RUNNING
from treatments.models import PlanPause, TreatmentPlan
from treatments.weeks import first_day

Status = TreatmentPlan.Status


def note_move(plan: TreatmentPlan, to: str, day: date, *, counted_from: date | None = None) -> None:
    """Note on the plan, which is still in its old state, that it goes to another on a local day of the clinic.

    Weeks are counted from the plan's first day, or from `counted_from`. The patient's lock is held; the caller saves.
    """
    if plan.status == Status.DRAFT and to in RUNNING:
        plan.active_on = day
        plan.counted_until_on = counted_from or first_day(plan)
    if to == Status.PAUSED:
        PlanPause.objects.create(clinic_id=plan.clinic_id, plan=plan, from_on=day)
    elif to == Status.ACTIVE and plan.status == Status.PAUSED:
        standing = PlanPause.objects.get(plan=plan, until_on=None)
        standing.until_on = max(day, standing.from_on)
        standing.save(update_fields=["until_on"])
    elif to in (Status.COMPLETED, Status.CANCELLED) and plan.status in RUNNING:
        plan.ended_on = day
