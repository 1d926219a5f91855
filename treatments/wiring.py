"""Register with the apps below what only this app knows; called once, when every model is loaded."""

from __future__ import annotations

from clinic.health import register_backlog
from clinic.lanes import register_lane
from clinic.provisioning import register_provider
from messaging.variables import register
from patients.staffing import register_specialist_source
from treatments import closing
from treatments.provisioning import provide_program
from treatments.selectors import latest_plan_specialists, specialists_of_plans
from treatments.variables import PLAN, resolve_many


def connect() -> None:
    """Offer the specialist and the message variables of a plan, and close weeks when they are over."""
    register_specialist_source("treatment", specialists_of_plans)
    register_specialist_source("patient", latest_plan_specialists)
    register("plan", PLAN, resolve_many=resolve_many, subject="treatment")
    register_provider("program", provide_program)
    register_lane("weeks", closing.drain, closing.next_due, sweep=True)
    register_backlog("weeks", closing.oldest_due)
