"""The trigger `form.declined`."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from forms_app.automation.base import FormTrigger
from forms_app.models import FormRequest


@register
class FormDeclined(FormTrigger):
    """A patient says that they will not sign or answer a form."""

    key = "form.declined"
    label = _("Form declined")
    statuses = (FormRequest.Status.DECLINED,)
    stop_on = ("form.signed", "patient.left")  # declining is itself one of the ends that form.voided names
    example = {"form": "privacy-policy-consent"}
