"""One-click unsubscribing (RFC 8058): the headers of a mail that care does not depend on, and what their link says.

The link is a signed value that does not end: a no must be possible years later. It can do nothing but say that no, to
one category of mail to one patient.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from clinic.languages import spoken
from messaging.models import Category, Delivery
from patients.consents import set_consents
from patients.models import Patient

SALT = "messaging.unsubscribe"
CHANNEL = "email"
PLACE = "<!--refuse-->"
"""Where the link stands in messaging/email.html; no text of a message can hold it, for they are escaped."""


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Mail of one category to one patient."""

    patient: Patient
    category: str


def link(delivery: Delivery) -> str:
    """Return the address that says no to such mails; empty for staff and for what belongs to the running of care."""
    if delivery.recipient_id is not None or delivery.category == Category.TRANSACTIONAL:
        return ""
    token = token_for(delivery.patient_id, delivery.category)
    return f"{settings.PUBLIC_URL}{reverse('portal:unsubscribe', args=[token])}"


def footed(delivery: Delivery, language: str, text: str, html: str) -> tuple[str, str]:
    """Return text and HTML with the link to say no at their end, in the mail's language; what is kept has none."""
    url = link(delivery)
    if not url:
        return text, html
    with translation.override(spoken(language, delivery.clinic.language)):
        line = f"{_('No more such emails')}: {url}"
        foot = render_to_string("messaging/refuse.html", {"link": url})
    return f"{text.rstrip()}\n\n{line}\n", html.replace(PLACE, foot)


def headers(delivery: Delivery) -> dict[str, str]:
    """Return the headers of a mail; none for staff and for what belongs to the running of care."""
    url = link(delivery)
    if not url:
        return {}
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def token_for(patient_id: int, category: str) -> str:
    """Sign what a link says no to."""
    return _signer().sign_object({"p": patient_id, "c": category})


def read(token: str) -> Unwanted | None:
    """Read a link; None if it is not ours."""
    try:
        content = _signer().unsign_object(token)
        patient = Patient.objects.select_related("clinic").filter(pk=content["p"]).first()
        return Unwanted(patient, Category(content["c"])) if patient is not None else None
    except (BadSignature, ValueError, KeyError, TypeError):
        return None


def say_no(unwanted: Unwanted) -> None:
    """Note that the patient wants no such mails; the actor is the patient."""
    line = {"category": unwanted.category, "channel": CHANNEL, "granted": False}
    set_consents(unwanted.patient, [line])


def _signer() -> Signer:
    return Signer(salt=SALT, sep=".")
