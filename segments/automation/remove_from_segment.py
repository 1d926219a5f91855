"""The action `remove_from_segment`."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from segments.automation.base import MembershipAction


@register
class RemoveFromSegment(MembershipAction):
    """Take the patient out of a manual segment. Not in it: nothing happens."""

    key = "remove_from_segment"
    label = _("Remove from a segment")
    phrase = _("remove the patient from the segment “%(segment)s”")
    alters = ("patient.segments",)
    enters = False
