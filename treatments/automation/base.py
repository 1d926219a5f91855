"""What the triggers of treatments share: whose they are, what stops their rules, and what a closed week tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from automations.engine.declare import Trigger
from treatments.models import TreatmentPlan

USUAL_PERCENT = 50
"""The threshold of a rule that has none of its own, and is stopped by a drop or a recovery or waits for one."""
ADHERENCE, PREVIOUS = "treatment.adherence", "treatment.previous_adherence"


class TreatmentTrigger(Trigger):
    """Something that happened to a plan."""

    subject = "treatment"
    model = "treatments.TreatmentPlan"
    stop_on: ClassVar[tuple[str, ...]] = ("treatment.ended", "patient.left")


class OfPlan(TreatmentTrigger):
    """Something that happened to a record of a plan: the event is about the plan, as it is then."""

    def subject_id(self, change: Any) -> Any:
        """Give the plan that the record is of."""
        return change.instance.plan_id

    def snapshot(self, change: Any) -> Mapping[str, Any]:
        """Give the plan as it is now."""
        plan = change.instance.plan
        return {name: getattr(plan, name) for name in TreatmentPlan.snapshot}


class WeekTrigger(OfPlan):
    """A week of a plan closed, or a closed one was corrected; what it came to differs from the week before."""

    model = "treatments.WeeklyAdherence"

    def data(self, change: Any) -> dict[str, Any]:
        """Give both values in percent; a correction is compared with what the week had before it."""
        return {"adherence": change.new["percent"], "previous_adherence": before(change), "week": _week(change)}

    def accepts(self, config: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
        """Tell whether the week crossed the rule's own threshold."""
        current = facts.get(ADHERENCE)
        return current is not None and self.crossed(config, current, facts.get(PREVIOUS))

    def crossed(self, config: Mapping[str, Any], current: float, previous: float | None) -> bool:
        """Tell whether the threshold of `config` lies between the two values."""
        raise NotImplementedError(f"{type(self).__name__} does not say when a threshold is crossed.")


def before(change: Any) -> float | None:
    """Return what a closed week is compared with: the week before, or for a correction the week as it was."""
    value: float | None = change.instance.previous if change.created else change.old["percent"]
    return value


def _week(change: Any) -> str:
    day: str = change.instance.week_on.isoformat()
    return day
