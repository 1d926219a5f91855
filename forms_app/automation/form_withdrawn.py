"""The trigger `form.withdrawn`."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from forms_app.automation.base import FormTrigger, stops_for
from forms_app.models import FormRequest


@register
class FormWithdrawn(FormTrigger):
    """A signed consent is taken back. What was signed stays on record."""

    key = "form.withdrawn"
    label = _("Consent withdrawn")
    statuses = (FormRequest.Status.WITHDRAWN,)
    stop_on = stops_for(key)
    example = {"form": "telerehabilitation-consent"}
