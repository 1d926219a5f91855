"""The trigger `form.overdue`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from forms_app.automation.base import FormTrigger
from forms_app.models import FormRequest


@register
class FormOverdue(FormTrigger):
    """The due time of a form passes while the patient has neither filled nor declined it.

    Once for each due time: if that moves ahead, it may pass again. Requests made in silence stay silent.
    """

    key = "form.overdue"
    label = _("Form overdue")
    example = {"form": "privacy-policy-consent"}

    def fires(self, change: Any) -> bool:
        """Tell whether a due time was noted as passed, of a form that is still open."""
        noted = change.new["overdue_since"] is not None and (change.created or change.moved("overdue_since"))
        return bool(noted and change.new["status"] in FormRequest.OPEN)
