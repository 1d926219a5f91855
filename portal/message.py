"""The mail that signs somebody in to the portal."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.languages import spoken
from messaging import purposes, sealed
from messaging.models import Delivery
from messaging.purposes import Suppress
from messaging.push import register_page
from messaging.recipients import Recipient
from messaging.text import Content, compose
from portal.signing_in import LINK_LASTS, PURPOSE, link_of, tokens_of

KIND = "portal"


def write(delivery: Delivery, reader: Recipient) -> Content | Suppress:
    """Write the mail: a link, how long it works, and what to do if somebody else asked for it."""
    clinic = delivery.clinic
    token = sealed.mark(KIND, link_of(delivery, reader.address).pk)
    with translation.override(spoken(reader.language, clinic.language)):
        values = {"clinic": clinic.name, "minutes": int(LINK_LASTS.total_seconds() // 60), "phone": clinic.phone}
        parts = [
            _("Open this link to sign in to your pages at %(clinic)s:") % values,
            settings.PUBLIC_URL + reverse("portal:enter", args=[token]),
            _("It works once, within %(minutes)d minutes, and is yours alone: please do not pass it on.") % values,
            _("If you did not ask for it, you need not do anything: without the link nobody gets in.") % values,
        ]
        if clinic.phone:
            parts.append(_("Questions? Call us: %(phone)s") % values)
        parts.append(clinic.name)
        return compose(
            subject=_("%(clinic)s: your link to sign in") % values,
            text="\n\n".join(parts),
            language=translation.get_language() or "en",
            clinic_name=clinic.name,
        )


def connect() -> None:
    """Offer the mail, and the page that a push opens; called once, when the app is ready."""
    purposes.register(PURPOSE, write, label=gettext_lazy("Link to sign in"), asked_for=True)
    sealed.register(KIND, tokens_of)
    register_page("patient", "portal:notes")
