"""What messaging connects when the program starts."""

from __future__ import annotations

from clinic.health import register_backlog
from clinic.lanes import register_lane
from clinic.provisioning import register_provider
from messaging import delivery, purposes, selectors
from messaging.base_variables import register_base_variables
from messaging.provisioning import provide_message_template


def connect() -> None:
    """Offer the base variables and the purpose of templates; count waiting messages towards readiness."""
    register_base_variables()
    purposes.register("template", purposes.render_template)
    register_backlog("deliveries", selectors.oldest_due)
    register_lane("deliver", delivery.drain_due, selectors.next_due, selectors.is_sending)
    register_provider("message_template", provide_message_template)
