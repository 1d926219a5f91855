"""The link of a message: it opens all the forms that are open for one patient, once, in one browser.

What is kept of its token is a SHA-256. The token itself is made of a random salt and the site's key, so that a message
that must be sent again carries the same link, and a copy of the database opens nothing. A link is bound to the reader's
present address: a corrected one kills the links that were sent to the wrong one. It ends by the clinic's clock. What it
takes to open one is in opening.py; docs/adr/0012-public-links.md has the reasons.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from clinic.clock import now
from clinic.secrets import derived, digest_of, new_secret
from forms_app.models import SigningLink
from messaging import sealed
from messaging.models import Delivery
from patients.models import Contact, Patient

SALT = "forms_app.links"
KIND = "form"
HELD_FOR = timedelta(hours=4)
"""How long the browser that opened a link may go on."""


class LinkRefused(Exception):
    """The link opens nothing. `kind`: invalid (not ours, or its reader has another address now), expired, used, locked.

    `row` is known unless it is invalid.
    """

    def __init__(self, kind: str, row: SigningLink | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.row = row


@dataclass(frozen=True, slots=True)
class Link:
    """Whose forms a link opens, and who was sent it: the patient, or a contact of theirs.

    `held`: this browser opened it before; else nobody did.
    """

    row: SigningLink
    token: str
    held: bool

    @property
    def patient(self) -> Patient:
        """Return whose forms they are."""
        return self.row.patient

    @property
    def contact(self) -> Contact | None:
        """Return the contact who was sent it, if not the patient."""
        return self.row.contact

    @property
    def language(self) -> str:
        """Return the reader's language."""
        reader = self.contact or self.patient
        return reader.language or self.patient.clinic.language

    @property
    def languages(self) -> tuple[str, str]:
        """Return the reader's language, then the clinic's."""
        return self.language, self.patient.clinic.language


def make(
    patient: Patient, contact: Contact | None = None, *, delivery: Delivery | None = None, days: int | None = None
) -> SigningLink:
    """Store a link for the patient, or for a contact of theirs; it ends after FORM_LINK_DAYS (30)."""
    lasts = timedelta(days=settings.FORM_LINK_DAYS if days is None else days)
    salt = secrets.token_hex(16)
    return SigningLink.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        contact=contact,
        delivery=delivery,
        salt=salt,
        digest=digest_of(derived(SALT, salt)),
        address_mark=address_mark(patient, contact),
        expires_at=now() + lasts,
    )


def make_opened(patient: Patient, contact: Contact | None = None) -> tuple[str, str]:
    """Make a link for somebody who is signed in already: return its token and the secret of the browser that has it."""
    row, secret = make(patient, contact, days=1), new_secret()
    moment = now()
    row.spent_at, row.held_until, row.holder_digest = moment, moment + HELD_FOR, digest_of(secret)
    row.save(update_fields=["spent_at", "held_until", "holder_digest"])
    return token_of(row), secret


def token_of(row: SigningLink) -> str:
    """Write a link's token again; empty if the key that made it is gone."""
    return derived(SALT, row.salt, row.digest)


def make_token(patient: Patient, contact: Contact | None = None, *, days: int | None = None) -> str:
    """Make a link and return its token."""
    return token_of(make(patient, contact, days=days))


def url_for(delivery: Delivery) -> str:
    """Return the address that a message carries, the token sealed (messaging/sealed.py).

    Written again, the message has the same link, unless that one cannot be opened any more.
    """
    patient, contact = delivery.patient, delivery.contact
    usable = SigningLink.objects.filter(
        delivery=delivery,
        spent_at=None,
        locked_at=None,
        expires_at__gt=now(),
        address_mark=address_mark(patient, contact),
    )
    row = usable.order_by("-pk").first() or make(patient, contact, delivery=delivery)
    return settings.PUBLIC_URL + reverse("forms:open", args=[sealed.mark(KIND, row.pk)])


def tokens_of(delivery: Delivery, ids: Collection[int]) -> Mapping[int, str]:
    """Return the tokens of the delivery's own links, for the mail that leaves."""
    return {row.pk: token_of(row) for row in SigningLink.objects.filter(delivery=delivery, pk__in=ids)}


def find(token: str, browser: str = "") -> Link:
    """Find the link of a token, as the browser with this secret sees it. Raises LinkRefused."""
    rows = SigningLink.objects.select_related("patient__clinic", "contact")
    row = rows.filter(digest=digest_of(token)).first()
    if row is None or not constant_time_compare(row.address_mark, address_mark(row.patient, row.contact)):
        raise LinkRefused("invalid")
    if row.locked_at is not None:
        raise LinkRefused("locked", row)
    moment = now()
    if row.expires_at <= moment:
        raise LinkRefused("expired", row)
    if row.spent_at is None:
        return Link(row, token, held=False)
    if not _is_held(row, browser, moment):
        raise LinkRefused("used", row)
    return Link(row, token, held=True)


def _is_held(row: SigningLink, browser: str, moment: datetime) -> bool:
    in_time = row.held_until is not None and row.held_until > moment
    return in_time and bool(browser) and constant_time_compare(digest_of(browser), row.holder_digest)


def touch(link: Link, request_id: int) -> None:
    """Note that a request was kept, signed or declined through this link."""
    if request_id not in link.row.touched:
        link.row.touched = [*link.row.touched, request_id]
        link.row.save(update_fields=["touched"])


def address_mark(patient: Patient, contact: Contact | None) -> str:
    """Return what tells the reader's address from another one, and tells nothing else."""
    address = (contact or patient).email.strip().lower()
    return salted_hmac(SALT, address, algorithm="sha256").hexdigest()[:16]
