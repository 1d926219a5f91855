"""Invitations: a clinic's admin offers a place, the person takes it by a link that works once.

Of the link only a digest is stored, so that the database opens no door; that is why the mail leaves at once and is no
row of `messaging`. Looking at the link changes nothing: programs that read mail open links.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import Actor, acting_as, current
from accounts.mailing import MAIL_FAILED
from accounts.models import Invitation, Membership, User
from accounts.permissions import Role, require
from accounts.services import known_person, new_login
from accounts.tokens import real_now
from accounts.validation import check
from clinic.errors import ClinicError, Refused
from clinic.secrets import digest_of, new_secret

logger = logging.getLogger(__name__)


@transaction.atomic
def invite(*, clinic: Any, email: str, name: str, slug: str, role: str) -> tuple[Invitation, str]:
    """Offer somebody a place at the clinic; return the invitation and the secret of its link.

    Raises ClinicError naming the wrong field.
    """
    _may_invite(clinic)
    row = Invitation(clinic=clinic, email=email.strip().lower(), name=name.strip(), slug=slug, role=role)
    secret = _load(row)
    row.created_by_id = current().user_id
    check(row)
    _check_free(row)
    row.save(force_insert=True)
    audit.record("invitation.created", obj=row, detail={"role": role})
    return row, secret


def _may_invite(clinic: Any) -> None:
    require(clinic, Role.CLINIC_ADMIN)
    if current().kind == "token":
        raise Refused(_("A token invites nobody; an admin does."), code="forbidden")


def _load(row: Invitation) -> str:
    """Give the invitation a new secret, and return it."""
    secret = new_secret()
    row.digest = digest_of(secret)
    row.expires_at = real_now() + timedelta(days=settings.INVITATION_DAYS)
    return secret


def _check_free(row: Invitation) -> None:
    """Refuse a place that is taken: the slug by anybody, the role by the person themselves."""
    here = Membership.objects.filter(clinic=row.clinic_id)
    if here.filter(user__email=row.email, role=row.role, is_active=True).exists():
        raise ClinicError(_("This person works here in this role already."), code="unique", path="email")
    if here.exclude(user__email=row.email, role=row.role).filter(slug=row.slug).exists():
        raise ClinicError(_("Somebody here has this slug already."), code="unique", path="slug")


@transaction.atomic
def renew(invitation: Invitation) -> tuple[Invitation, str]:
    """Make a new link for an invitation that still stands, expired or not; the old link ends."""
    _may_invite(invitation.clinic_id)
    row = _locked(invitation.pk)
    if row.accepted_at is not None or row.revoked_at is not None:
        raise Refused(_("This invitation is over; make a new one."), code="over")
    secret = _load(row)
    row.save(update_fields=["digest", "expires_at"])
    audit.record("invitation.renewed", obj=row)
    return row, secret


@transaction.atomic
def revoke(invitation: Invitation) -> Invitation:
    """Take an invitation back. Over already: nothing happens."""
    _may_invite(invitation.clinic_id)
    row = _locked(invitation.pk)
    if row.accepted_at is None and row.revoked_at is None:
        row.revoked_at = real_now()
        row.save(update_fields=["revoked_at"])
        audit.record("invitation.revoked", obj=row)
    return row


def _locked(pk: int) -> Invitation:
    row: Invitation = Invitation.objects.select_for_update(no_key=True).get(pk=pk)
    return row


def send(invitation: Invitation, secret: str) -> bool:
    """Send the link, in the clinic's language; tell whether the mail server took it."""
    clinic = invitation.clinic
    shown = {
        "clinic": clinic,
        "name": invitation.name,
        "link": settings.PUBLIC_URL + reverse("join", args=[secret]),
        "days": settings.INVITATION_DAYS,
    }
    with translation.override(clinic.language):
        subject = " ".join(render_to_string("account/email/invitation_subject.txt", shown).split())
        text = render_to_string("account/email/invitation_message.txt", shown).strip() + "\n"
    try:
        EmailMessage(subject, text, to=[invitation.email]).send()
    except MAIL_FAILED:
        logger.exception("accounts.mail_failed")
        return False
    return True


def find(secret: str) -> Invitation | None:
    """Return the invitation of this link, whatever became of it, with its clinic."""
    return Invitation.objects.select_related("clinic").filter(digest=digest_of(secret)).first()


def what_became(invitation: Invitation) -> str:
    """Return "accepted", "revoked" or "expired"; nothing while the link is good."""
    if invitation.accepted_at is not None:
        return "accepted"
    if invitation.revoked_at is not None:
        return "revoked"
    return "" if invitation.expires_at > real_now() else "expired"


def person_of(invitation: Invitation) -> User | None:
    """Return whom the invitation is for, if they sign in here already."""
    return known_person(invitation.email)


@transaction.atomic
def accept(invitation: Invitation, *, user: User | None = None, password: str = "") -> Membership:
    """Take the place: as the signed-in `user`, or as somebody new with the password they chose.

    Raises Refused if the link is no longer good or was sent to somebody else, ClinicError naming a weak password.
    """
    row = _locked(invitation.pk)
    if what_became(row) or row.digest != invitation.digest:
        raise Refused(_("This invitation is no longer good. Ask for a new one."), code="over")
    known = person_of(row)
    if known is None:
        known = new_login(row.email, row.name, _chosen(password))
    elif user is None or user.pk != known.pk:
        raise Refused(
            _("This invitation is for %(email)s. Sign in as that.") % {"email": row.email}, code="other_person"
        )
    with acting_as(Actor("user", user_id=known.pk, clinic_id=row.clinic_id, ip=current().ip)):
        member = _place(row, known)
        row.accepted_at, row.membership = real_now(), member
        row.save(update_fields=["accepted_at", "membership"])
        audit.record("invitation.accepted", obj=row, detail={"membership": member.pk, "role": row.role})
    return member


def _chosen(password: str) -> str:
    if not password:
        raise ClinicError(_("Choose a password."), code="required", path="password")
    return password


def _place(row: Invitation, user: User) -> Membership:
    """Return the membership: the one that was theirs before, or a new one."""
    member = Membership.objects.filter(clinic=row.clinic_id, user=user, role=row.role).first()
    if member is None:
        member = Membership(clinic_id=row.clinic_id, user=user, role=row.role, slug=row.slug)
    member.name, member.is_active = row.name, True
    check(member)
    member.save()
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    return member


def open_invitations(clinic: Any) -> list[Invitation]:
    """Return the clinic's invitations that nobody has taken or taken back, the newest first."""
    rows = Invitation.objects.for_clinic(clinic).filter(accepted_at=None, revoked_at=None)
    return list(rows.select_related("created_by").order_by("-pk"))
