"""The nouns that rules about appointments speak of."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Anchor, Reference, Subject, register

register(Subject("appointment", _("Appointment"), "appointments.Appointment"))
register(
    Anchor(
        "appointment.starts_at",
        _("the visit starts"),
        "appointment",
        "starts_at",
        begins=True,
        lead="appointment.lead_hours",
    )
)
register(Reference("service", _("Service"), "appointments.Service", {"archived_at": None}))
