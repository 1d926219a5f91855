"""The trigger `segment.exited`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from segments.automation.base import CrossingTrigger


@register
class SegmentExited(CrossingTrigger):
    """A patient leaves a segment: their record changed, time passed, or somebody removed them."""

    key = "segment.exited"
    label = _("Patient leaves a segment")
    stop_on = ("segment.entered",)

    def fires(self, change: Any) -> bool:
        """Tell whether the patient was in it and is no longer."""
        return bool(change.moved("is_member") and not change.new["is_member"])
