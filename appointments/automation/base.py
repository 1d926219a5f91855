"""What the triggers of appointments share: whose they are, what stops their rules, and what a transition is."""

from __future__ import annotations

from typing import Any, ClassVar

from appointments.lifecycle import OPEN
from automations.engine.declare import Trigger

STOPS: tuple[str, ...] = (
    "appointment.cancelled",
    "appointment.no_show",
    "appointment.reopened",
    "appointment.voided",
    "patient.left",
)


def stops_for(key: str) -> tuple[str, ...]:
    """Return what stops the rules of this trigger unless they say otherwise; never the trigger itself."""
    return tuple(stop for stop in STOPS if stop != key)


class AppointmentTrigger(Trigger):
    """Something that happened to an appointment."""

    subject = "appointment"
    model = "appointments.Appointment"
    stop_on = STOPS


class StateTrigger(AppointmentTrigger):
    """The appointment moved to a state, or was recorded in it."""

    status: ClassVar[str] = ""

    def fires(self, change: Any) -> bool:
        """Tell whether the appointment came to the state now."""
        return bool(change.became("status", self.status))


class ForwardTrigger(StateTrigger):
    """The appointment moved forward to a state that a correction may also lead back to.

    A correction is `appointment.reopened` and nothing else: whoever was prepared once is not prepared again.
    """

    def fires(self, change: Any) -> bool:
        """Tell whether the appointment came to the state, and not by a correction."""
        return super().fires(change) and (change.created or change.old["status"] in OPEN)
