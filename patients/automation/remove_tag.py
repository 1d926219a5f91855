"""The action `remove_tag`."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from patients import services
from patients.automation.base import TagAction


@register
class RemoveTag(TagAction):
    """Take a word off the patient. Not there: nothing happens."""

    key = "remove_tag"
    label = _("Remove a tag")
    phrase = _("remove the tag “%(tag)s”")
    change = staticmethod(services.remove_tag)
