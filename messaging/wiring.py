"""What messaging connects when the program starts."""

from __future__ import annotations

from django.core import checks
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy

from accounts.models import Pause
from accounts.permissions import beside_memberships
from clinic.changes import records_changed
from clinic.health import register_backlog
from clinic.lanes import register_lane
from clinic.provisioning import register_provider
from messaging import delivery, purposes, push, selectors, vapid, visibility
from messaging.base_variables import register_base_variables
from messaging.provisioning import provide_message_template
from messaging.receivers import on_consent_changed
from patients.models import Consent


def connect() -> None:
    """Offer variables, the bell's numbers and purposes; count what waits; hear of consents and pauses."""
    register_base_variables()
    records_changed.connect(on_consent_changed, sender=Consent, dispatch_uid="messaging.consents")
    post_save.connect(visibility.on_pause_saved, sender=Pause, dispatch_uid="messaging.pauses")
    beside_memberships.update(selectors.beside_memberships())
    purposes.register("template", purposes.render_template)
    purposes.register(push.CHANNEL, push.write, label=gettext_lazy("Word on a device"))
    checks.register(vapid.check_keys)
    register_backlog("deliveries", selectors.oldest_due)
    register_lane("deliver", delivery.drain_due, selectors.next_due, selectors.is_sending)
    register_provider("message_template", provide_message_template)
