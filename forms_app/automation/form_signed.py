"""The trigger `form.signed`."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from forms_app.automation.base import FormTrigger, stops_for
from forms_app.models import FormRequest


@register
class FormSigned(FormTrigger):
    """A patient signs a consent or submits a questionnaire or survey. A later correction does not fire it again."""

    key = "form.signed"
    label = _("Form signed or submitted")
    statuses = (FormRequest.Status.SIGNED, FormRequest.Status.SUBMITTED)
    stop_on = (*stops_for(key), "form.withdrawn")
    example = {"form": "privacy-policy-consent"}
