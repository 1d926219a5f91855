"""The action `add_to_segment`."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from segments.automation.base import MembershipAction


@register
class AddToSegment(MembershipAction):
    """Put the patient into a manual segment. In it already: nothing happens."""

    key = "add_to_segment"
    label = _("Add to a segment")
    phrase = _("add the patient to the segment “%(segment)s”")
    alters = ("patient.segments",)
    enters = True
