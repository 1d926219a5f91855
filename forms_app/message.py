"""The message that asks a patient for forms: put into words when it leaves, about all that is open then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.clock import now
from clinic.languages import spoken
from forms_app import selectors
from forms_app.links import KIND, tokens_of, url_for
from forms_app.telling import is_of_use, refresh
from messaging import purposes, sealed, variables
from messaging.models import Delivery
from messaging.purposes import Suppress
from messaging.recipients import Recipient
from messaging.text import Content, compose
from messaging.variables import MessageContext, Variable

PURPOSE = "forms"


def write(delivery: Delivery, reader: Recipient) -> Content | Suppress:
    """Write the message, without a word about what the forms are about; nothing open any more: nothing to say."""
    due = list(selectors.open_requests(delivery.patient_id).values_list("due_at", flat=True))
    ahead = [at for at in due if at is not None and at > now()]  # what is overdue needs no date any more
    if not due or not is_of_use(delivery):  # all who told of a form by it have what they want
        return Suppress("nothing_to_say")
    context = purposes.context_of(delivery, reader)
    clinic = delivery.clinic
    with translation.override(spoken(reader.language, clinic.language)):
        values: dict[str, Any] = {"clinic": clinic.name, "name": reader.name, "count": len(due), "phone": clinic.phone}
        subject = ngettext("%(clinic)s: a form for you", "%(clinic)s: %(count)d forms for you", len(due)) % values
        asks = ngettext(
            "%(clinic)s asks you to fill in a form.", "%(clinic)s asks you to fill in %(count)d forms.", len(due)
        )
        parts = [_("Hello %(name)s,") % values, asks % values]
        if ahead:
            parts.append(_("Please do so by %(moment)s.") % {"moment": context.say(min(ahead))})
        parts += [url_for(delivery), _lasts()]
        if clinic.phone:
            parts.append(_("Questions? Call us: %(phone)s") % values)
        parts.append(clinic.name)
        language = translation.get_language() or "en"
        return compose(subject=subject, text="\n\n".join(parts), language=language, clinic_name=clinic.name)


def _lasts() -> str:
    days = getattr(settings, "FORM_LINK_DAYS", 30)
    return ngettext(
        "The link is yours alone, so please do not pass it on. It works for %(days)d day.",
        "The link is yours alone, so please do not pass it on. It works for %(days)d days.",
        days,
    ) % {"days": days}


def link_for(context: MessageContext) -> Mapping[str, Any]:
    """Give the reader's own link; to people of the staff there is none. What does not leave by mail leads inside."""
    if context.recipient.is_staff:
        return {}
    if context.delivery is None:
        return {"link": settings.PUBLIC_URL + reverse("portal:forms")}
    return {"link": url_for(context.delivery)}


def connect() -> None:
    """Offer the message and its variable; called once, when the app is ready."""
    purposes.register(PURPOSE, write, label=gettext_lazy("Forms to fill in"), renew=lambda row: refresh([row.pk]))
    sealed.register(KIND, tokens_of)
    link = Variable(gettext_lazy("link to the forms that are open"), sample="https://clinic.example/f/…/")
    variables.register("form", {"link": link}, link_for)
