"""Signing in by a link in a mail, and the sessions that follow. No password; a patient is no user of Django.

The answer to asking is always the same, so that nobody learns who is a patient here. What limits asking is a row for
each time, not a counter in some process. Times are real: whoever moves a demo's clock stays signed in.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import audit
from clinic import clock
from clinic.db import lock_patients
from clinic.secrets import derived, digest_of, new_secret
from messaging import services as messages
from messaging.models import Category, Delivery
from portal.models import PatientSession, SignInAsk, SignInLink
from portal.readers import Reader, readers_of

SALT = "portal.sign_in"
PURPOSE = "sign_in"
LINK_LASTS = timedelta(minutes=15)
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
AN_ADDRESS = (3, timedelta(minutes=15))
A_PLACE = (30, timedelta(hours=1))
"""How often a link may be asked for, for one address and from one network address."""


@transaction.atomic
def ask(email: str, ip: str | None) -> int:
    """Send a link to an address, from each clinic that knows it; return how many mails were queued (tell nobody)."""
    email = email.strip()
    if not _may_ask(email, ip):
        return 0
    first: dict[int, Reader] = {}
    for reader in readers_of(email):
        first.setdefault(reader.patient.clinic_id, reader)
    lock_patients(one.patient.pk for one in first.values())
    mails = [
        messages.Email(
            clinic_id=clinic_id,
            patient_id=one.patient.pk,
            contact_id=one.contact.pk if one.contact else None,
            category=Category.TRANSACTIONAL,
            purpose=PURPOSE,
            not_after=clock.now() + LINK_LASTS,
        )
        for clinic_id, one in sorted(first.items())
    ]
    for one in first.values():
        audit.record("portal.link_asked", obj=one.patient)
    return len(messages.queue(mails))


def _may_ask(email: str, ip: str | None) -> bool:
    moment, mark = timezone.now(), salted_hmac(SALT, email.lower(), algorithm="sha256").hexdigest()[:16]
    SignInAsk.objects.filter(asked_at__lt=moment - timedelta(days=1)).delete()
    for limit, given in ((AN_ADDRESS, {"mark": mark}), (A_PLACE, {"ip": ip})):
        most, within = limit
        if SignInAsk.objects.filter(asked_at__gt=moment - within, **given).count() >= most:
            return False
    SignInAsk.objects.create(mark=mark, ip=ip, asked_at=moment)
    return True


def link_of(delivery: Delivery, address: str) -> SignInLink:
    """Return the link that a mail carries: the same when it is written again, unless it can open nothing any more."""
    moment = timezone.now()
    known = SignInLink.objects.filter(delivery=delivery, email=address, spent_at=None, expires_at__gt=moment).first()
    if known is not None:
        return known
    salt = secrets.token_hex(16)
    return SignInLink.objects.create(
        clinic_id=delivery.clinic_id,
        patient_id=delivery.patient_id,
        contact_id=delivery.contact_id,
        delivery=delivery,
        email=address,
        salt=salt,
        digest=digest_of(derived(SALT, salt)),
        expires_at=moment + LINK_LASTS,
    )


def tokens_of(delivery: Delivery, ids: Collection[int]) -> Mapping[int, str]:
    """Return the tokens of the delivery's own links, for the mail that leaves."""
    rows = SignInLink.objects.filter(delivery=delivery, pk__in=ids)
    return {row.pk: derived(SALT, row.salt, row.digest) for row in rows}


def find_link(token: str) -> SignInLink | None:
    """Find a link that still signs in."""
    rows = SignInLink.objects.filter(digest=digest_of(token), spent_at=None, expires_at__gt=timezone.now())
    return rows.select_related("clinic").first()


@transaction.atomic
def sign_in(link: SignInLink) -> tuple[PatientSession, str] | None:
    """Spend a link: return a session and its secret; None if it was spent meanwhile, or opens nobody's pages now."""
    moment = timezone.now()
    if not SignInLink.objects.filter(pk=link.pk, spent_at=None, expires_at__gt=moment).update(spent_at=moment):
        return None
    readers = readers_of(link.email, link.clinic_id)
    return begin(readers, link.email) if readers else None


def begin(readers: Sequence[Reader], email: str) -> tuple[PatientSession, str]:
    """Begin a session for whoever reads these patients' pages (at one clinic); of several, one is to be chosen."""
    only, moment = readers[0] if len(readers) == 1 else None, timezone.now()
    secret = new_secret()
    session = PatientSession.objects.create(
        clinic_id=readers[0].patient.clinic_id,
        email=email,
        patient=only.patient if only else None,
        contact=only.contact if only else None,
        several=only is None,
        digest=digest_of(secret),
        started_at=moment,
        seen_at=moment,
    )
    audit.record("portal.signed_in", obj=session)
    return session, secret


def find_session(secret: str) -> PatientSession | None:
    """Find a session that goes on: in use within the last half hour, for twelve hours at most, at the same address."""
    if not secret:
        return None
    moment = timezone.now()
    rows = PatientSession.objects.filter(digest=digest_of(secret), ended_at=None, seen_at__gt=moment - IDLE)
    rows = rows.filter(started_at__gt=moment - LONGEST)
    session = rows.select_related("clinic", "patient__clinic", "contact").first()
    if session is None or not _still_reads(session):
        return None
    if session.seen_at < moment - timedelta(minutes=1):
        session.seen_at = moment
        session.save(update_fields=["seen_at"])
    return session


def _still_reads(session: PatientSession) -> bool:
    if session.patient is None:
        return True
    if not session.patient.is_active or (session.contact is not None and not session.contact.gets_messages):
        return False
    address = (session.contact or session.patient).email
    return constant_time_compare(address.strip().lower(), session.email.strip().lower())


def choose(session: PatientSession, patient_id: int) -> bool:
    """Go to the pages of one of those whom the session's address may read; False, and nothing happens, for another."""
    for reader in readers_of(session.email, session.clinic_id):
        if reader.patient.pk == patient_id:
            session.patient, session.contact = reader.patient, reader.contact
            session.save(update_fields=["patient", "contact"])
            audit.record("portal.chosen", obj=reader.patient)
            return True
    return False


def sign_out(session: PatientSession) -> None:
    """End a session for good."""
    session.ended_at = timezone.now()
    session.save(update_fields=["ended_at"])
    audit.record("portal.signed_out", obj=session)
