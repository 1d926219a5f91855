"""API tokens: made, rotated and revoked by a clinic's admins; recognised by the digest of their secret."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import current
from accounts.models import ApiToken
from accounts.permissions import Role, require
from accounts.validation import check
from clinic.errors import ClinicError, Refused
from clinic.secrets import digest_of, new_secret

PREFIX = "cat_"
DEFAULT_DAYS = 90
MAX_DAYS = 365
OVERLAP = timedelta(hours=24)
USED_STEP = timedelta(minutes=1)
"""`last_used_at` is written at most this often, so that reading does not mean writing."""

SCOPES = tuple(ApiToken.Scope.values)


def real_now() -> datetime:
    """Return the time of the machine: a token expires even where the clinic's clock was moved."""
    return datetime.now(UTC)


@transaction.atomic
def create_token(
    *, clinic: Any, name: str, scopes: Iterable[str], days: int = DEFAULT_DAYS, replaces: ApiToken | None = None
) -> tuple[ApiToken, str]:
    """Let a program act for the clinic for some days; the secret is returned here and nowhere again.

    Raises ClinicError naming the wrong field.
    """
    require(clinic, Role.CLINIC_ADMIN)
    _refuse_tokens()
    if not 1 <= days <= MAX_DAYS:
        raise ClinicError(_("A token lives from 1 to %(most)d days.") % {"most": MAX_DAYS}, code="days", path="days")
    secret = PREFIX + new_secret()
    token = ApiToken(
        clinic=clinic,
        name=name.strip(),
        hint=secret[:10],
        digest=digest_of(secret),
        scopes=_scopes(scopes),
        expires_at=real_now() + timedelta(days=days),
        created_by_id=current().user_id,
        replaces=replaces,
    )
    check(token)
    token.save(force_insert=True)
    audit.record("api_token.created", obj=token, detail={"scopes": token.scopes, "days": days})
    return token, secret


def _scopes(scopes: Iterable[str]) -> list[str]:
    given = {one.strip() for one in scopes if one.strip()}
    if not given or not given <= set(SCOPES):
        message = _("Give one or more of: %(scopes)s.") % {"scopes": ", ".join(SCOPES)}
        raise ClinicError(message, code="invalid_choice", path="scopes")
    return [one for one in SCOPES if one in given]


def _refuse_tokens() -> None:
    if current().kind == "token":
        raise Refused(_("A token makes no tokens; an admin does."), code="forbidden")


@transaction.atomic
def rotate_token(token: ApiToken, *, overlap: timedelta = OVERLAP, days: int = DEFAULT_DAYS) -> tuple[ApiToken, str]:
    """Make the token's successor; both are good until the overlap ends, so that no request fails meanwhile."""
    require(token.clinic_id, Role.CLINIC_ADMIN)
    stored = ApiToken.objects.select_for_update(no_key=True).select_related(None).get(pk=token.pk)
    if stored.revoked_at is not None or stored.expires_at <= real_now():
        raise Refused(_("This token is no longer good; make a new one."), code="expired")
    if not timedelta(0) <= overlap <= timedelta(days=30):
        raise ClinicError(_("The overlap is at most 30 days."), code="overlap", path="overlap")
    new, secret = create_token(clinic=token.clinic, name=stored.name, scopes=stored.scopes, days=days, replaces=stored)
    stored.expires_at = min(stored.expires_at, real_now() + overlap)
    stored.save(update_fields=["expires_at"])
    audit.record("api_token.rotated", obj=stored, detail={"to": new.pk})
    return new, secret


@transaction.atomic
def revoke_token(token: ApiToken) -> ApiToken:
    """End a token now. Ended already: nothing happens."""
    require(token.clinic_id, Role.CLINIC_ADMIN)
    _refuse_tokens()
    stored: ApiToken = ApiToken.objects.select_for_update(no_key=True).get(pk=token.pk)
    if stored.revoked_at is None:
        stored.revoked_at = real_now()
        stored.save(update_fields=["revoked_at"])
        audit.record("api_token.revoked", obj=stored)
    return stored


def find_token(secret: str) -> ApiToken | None:
    """Return the token of this secret, whatever its state, with its clinic."""
    return ApiToken.objects.select_related("clinic").filter(digest=digest_of(secret)).first()


def is_good(token: ApiToken) -> bool:
    """Tell whether the token still opens anything."""
    return token.revoked_at is None and token.expires_at > real_now()


def note_use(token: ApiToken) -> None:
    """Note when the token was last used, to the minute."""
    moment = real_now()
    if token.last_used_at is None or token.last_used_at < moment - USED_STEP:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=moment - USED_STEP)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=moment)


def standing_tokens(clinic: Any) -> Any:
    """Return the clinic's tokens that are good now, those that end first first."""
    rows = ApiToken.objects.for_clinic(clinic).filter(revoked_at=None, expires_at__gt=real_now())
    return rows.order_by(F("expires_at"), "pk")
