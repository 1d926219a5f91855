"""What the triggers and the actions of segments share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Action, Param, Trigger
from automations.engine.problems import RuleInvalid
from automations.engine.values import EffectError, StepContext
from clinic.errors import ClinicError
from segments import definition, services
from segments.models import Segment


class CrossingTrigger(Trigger):
    """A patient crossed the border of a segment."""

    subject = "segment"
    model = "segments.SegmentMembership"
    params = (Param("segment", "reference", _("segment"), required=True, reference="segment", fact="segment.segment"),)
    example = {"segment": "high-pain-inactive"}

    def follows(self, config: Mapping[str, Any], clinic_id: Any, facts: Collection[str]) -> bool:
        """Tell whether the segment is a dynamic one whose conditions ask these facts; an unreadable one never."""
        row = Segment.objects.filter(clinic_id=clinic_id, slug=config.get("segment"), archived_at=None).first()
        if row is None or not row.is_dynamic:
            return False
        try:
            asked = {condition.field for condition in definition.parse(row.conditions).conditions()}
        except RuleInvalid:
            return False
        return bool(asked & set(facts))


class MembershipAction(Action):
    """Put the patient into a manual segment, or take them out of it. There already: nothing happens."""

    params = (Param("segment", "reference", _("segment"), required=True, reference="manual_segment"),)
    example = {"segment": "needs-a-call"}
    enters: ClassVar[bool]

    def causes(self, params: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Name the crossing of the segment."""
        crossing = "segment.entered" if self.enters else "segment.exited"
        return {crossing: {"segment.segment": params.get("segment")}}

    def perform(self, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        """Move the patients of all steps, one segment after the other."""
        named = {(step.clinic_id, step.params["segment"]) for step in steps}
        rows = Segment.objects.filter(clinic__in={clinic for clinic, _slug in named}, slug__in={s for _c, s in named})
        known = {(row.clinic_id, row.slug): row for row in rows}
        results: dict[Any, dict[str, Any]] = {}
        for place in sorted(named):
            here = [step for step in steps if (step.clinic_id, step.params["segment"]) == place]
            moved = self._move(known.get(place), place[1], {step.patient_id: step.id for step in here})
            results |= {step.id: {"segment": place[1], "moved": step.id in moved} for step in here}
        return results

    def _move(self, segment: Segment | None, slug: str, steps: Mapping[int, int]) -> set[int]:
        """Return the steps that moved their patient. Raises EffectError: the rule names what it may not."""
        if segment is None:
            raise EffectError(f"There is no segment “{slug}” any more.", permanent=True, rule_error=True)
        try:
            moved = services.move_by_steps(segment, steps, enters=self.enters)
        except ClinicError as error:
            raise EffectError(error.message, permanent=True, rule_error=True) from error
        return {steps[patient] for patient in moved}
