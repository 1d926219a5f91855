"""The trigger `manual`."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Trigger, register


@register
class Manual(Trigger):
    """Staff start the rule for patients of their choice; nothing else does."""

    key = "manual"
    label = _("Staff start it")
    by_hand = True
    example = {}
