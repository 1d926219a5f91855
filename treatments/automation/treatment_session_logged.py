"""The trigger `treatment.session_logged`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import register
from treatments.automation.base import OfPlan
from treatments.models import ExerciseSession


@register
class TreatmentSessionLogged(OfPlan):
    """A session is logged, with the pain if it was told. Correcting it later does not fire again."""

    key = "treatment.session_logged"
    label = _("Session logged")
    model = "treatments.ExerciseSession"

    def fires(self, change: Any) -> bool:
        """Tell whether the session is new."""
        return bool(change.created and change.new["status"] == ExerciseSession.Status.DONE)

    def data(self, change: Any) -> dict[str, Any]:
        """Give the pain told in the session, 0 to 10, or nothing."""
        return {"session": change.instance.pk, "pain": change.new["pain"]}
