"""The link of a message: it opens all the forms that are open for one patient, and nothing else.

A signed value and not a stored token: the same message can be put into words at any moment and by any process, nothing
has to be cleaned up, and a copy of the database opens no forms. What a stored token could do better, being revoked, is
done by binding the link to the reader's present address (a corrected address kills the links sent to the wrong one), by
the requests' own life-cycle, and by its end. The end is written into the link and compared with the clinic's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from clinic.clock import now
from patients.models import Contact, Patient

SALT = "forms_app.links"


class LinkRefused(Exception):
    """The link opens nothing: it is not ours, it has ended, or its reader has another address now."""

    def __init__(self, expired: bool = False) -> None:
        super().__init__("expired" if expired else "invalid")
        self.expired = expired


@dataclass(frozen=True, slots=True)
class Link:
    """Whose forms a link opens, and who was sent it: the patient, or a contact of theirs."""

    patient: Patient
    contact: Contact | None
    expires_at: datetime

    @property
    def language(self) -> str:
        """Return the reader's language."""
        reader = self.contact or self.patient
        return reader.language or self.patient.clinic.language

    @property
    def languages(self) -> tuple[str, str]:
        """Return the reader's language, then the clinic's."""
        return self.language, self.patient.clinic.language


def make_token(patient: Patient, contact: Contact | None = None, *, days: int | None = None) -> str:
    """Sign a link for the patient, or for a contact of theirs; it ends after FORM_LINK_DAYS (30)."""
    lasts = timedelta(days=getattr(settings, "FORM_LINK_DAYS", 30) if days is None else days)
    content = {
        "c": patient.clinic_id,
        "p": patient.pk,
        "k": None if contact is None else contact.pk,
        "e": int((now() + lasts).timestamp()),
        "a": _fingerprint(patient, contact),
    }
    return _signer().sign_object(content)


def make_url(patient: Patient, contact: Contact | None = None) -> str:
    """Return the whole address that a message carries."""
    return settings.PUBLIC_URL + reverse("forms:open", args=[make_token(patient, contact)])


def read_token(token: str) -> Link:
    """Check a link and find its patient. Raises LinkRefused."""
    try:
        content = _signer().unsign_object(token)
        expires_at = datetime.fromtimestamp(content["e"], UTC)
    except (BadSignature, ValueError, KeyError, TypeError) as error:
        raise LinkRefused from error
    if expires_at <= now():
        raise LinkRefused(expired=True)
    patient = Patient.objects.select_related("clinic").filter(pk=content["p"], clinic_id=content["c"]).first()
    contact = None
    if patient is not None and content["k"] is not None:
        contact = Contact.objects.filter(pk=content["k"], patient=patient).first()
        if contact is None:
            raise LinkRefused
    if patient is None or not constant_time_compare(content["a"], _fingerprint(patient, contact)):
        raise LinkRefused
    return Link(patient, contact, expires_at)


def _signer() -> Signer:
    return Signer(salt=SALT, sep=".")


def _fingerprint(patient: Patient, contact: Contact | None) -> str:
    address = (contact or patient).email.strip().lower()
    return salted_hmac(SALT, address, algorithm="sha256").hexdigest()[:16]
