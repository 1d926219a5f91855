"""One-click unsubscribing (RFC 8058): the headers of a mail that care does not depend on, and what their link says.

The link is a signed value that does not end: a no must be possible years later. It can do nothing but say that no, to
one category of mail to one patient.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from messaging.models import Category, Delivery
from patients.consents import set_consents
from patients.models import Patient

SALT = "messaging.unsubscribe"
CHANNEL = "email"


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Mail of one category to one patient."""

    patient: Patient
    category: str

    @property
    def label(self) -> str:
        """Return the category in words."""
        return str(Category(self.category).label)


def headers(delivery: Delivery) -> dict[str, str]:
    """Return the headers of a mail; none for staff and for what belongs to the running of care."""
    if delivery.recipient_id is not None or delivery.category == Category.TRANSACTIONAL:
        return {}
    url = settings.PUBLIC_URL + reverse("portal:unsubscribe", args=[token_for(delivery.patient_id, delivery.category)])
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
