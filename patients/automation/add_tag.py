"""The action `add_tag`."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from patients import services
from patients.automation.base import TagAction


@register
class AddTag(TagAction):
    """Pin a word to the patient. Pinned already: nothing happens."""

    key = "add_tag"
    label = _("Add a tag")
    phrase = _("add the tag “%(tag)s”")
    change = staticmethod(services.add_tag)
