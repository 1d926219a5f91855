"""The trigger `segment.entered`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from segments.automation.base import CrossingTrigger


@register
class SegmentEntered(CrossingTrigger):
    """A patient enters a segment: their record changed, time passed, or somebody added them.

    Whoever is in a segment when it is defined or defined anew does not enter it.
    """

    key = "segment.entered"
    label = _("Patient enters a segment")
    stop_on = ("segment.exited",)

    def fires(self, change: Any) -> bool:
        """Tell whether the patient came in."""
        return bool(change.became("is_member", True))
