"""The nouns that rules about treatments speak of."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Anchor, Reference, Subject, register

register(Subject("treatment", _("Treatment plan"), "treatments.TreatmentPlan"))
register(Anchor("plan.ends_on", _("the plan ends"), "treatment", "ends_on"))
register(Reference("program", _("Treatment program"), "treatments.Program", {"archived_at": None}))
