"""The stop-only trigger `form.voided`."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from forms_app.automation.base import FormTrigger
from forms_app.models import FormRequest


@register
class FormVoided(FormTrigger):
    """A request ends unfilled: voided, expired or declined. No rule starts from it; what chases the form stops."""

    key = "form.voided"
    label = _("Form no longer needed")
    params = ()
    statuses = (FormRequest.Status.VOIDED, FormRequest.Status.EXPIRED, FormRequest.Status.DECLINED)
    stop_only = True
    stop_on = ()
