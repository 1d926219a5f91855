"""Who may do what at which clinic: the question every service asks first."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from accounts.actor import Actor, current
from accounts.models import Membership, User
from clinic.db import ClinicQuerySet
from clinic.errors import Refused

Role = Membership.Role
EVERYBODY = (Role.CLINIC_ADMIN, Role.SPECIALIST, Role.FRONT_DESK)


beside_memberships: dict[str, Any] = {}
"""What other apps want to know of each membership of a signed-in person, in the same query: name → expression."""


def active_memberships(user: Any) -> ClinicQuerySet:
    """Return the memberships in which this person may act now, with what other apps tell beside them."""
    rows = Membership.objects.filter(user_id=user.pk, is_active=True).select_related("clinic").order_by("pk")
    return rows.annotate(**beside_memberships)


def is_operator(user: Any) -> bool:
    """Tell whether this person runs the platform and so sees every clinic."""
    return bool(user.is_active and (getattr(user, "is_platform_operator", False) or user.is_superuser))


def clinic_ids(user: Any, *roles: str) -> set[int]:
    """Return the clinics where the person has one of the roles (any role, if none is named)."""
    rows = Membership.objects.filter(user_id=user.pk, is_active=True)
    if roles:
        rows = rows.filter(role__in=roles)
    return set(rows.values_list("clinic_id", flat=True))


def allowed(clinic: Any, *roles: str, actor: Actor | None = None) -> bool:
    """Tell whether the actor may do at `clinic` (an instance or its id) what these roles may (no role named: any)."""
    actor = actor or current()
    if actor.kind == "system":
        return True
    clinic_id = getattr(clinic, "pk", clinic)
    if actor.kind == "token":
        return actor.clinic_id == clinic_id
    if actor.kind != "user" or actor.user_id is None:
        return False
    from_role = Membership.objects.filter(clinic_id=clinic_id, user_id=actor.user_id, user__is_active=True)
    from_role = from_role.filter(is_active=True, role__in=roles or EVERYBODY)
    return from_role.exists() or _operator_id(actor.user_id)


def _operator_id(user_id: int | None) -> bool:
    user = User.objects.filter(pk=user_id).first() if user_id is not None else None
    return user is not None and is_operator(user)


def require(clinic: Any, *roles: str, actor: Actor | None = None) -> None:
    """Refuse unless the actor has one of the roles at `clinic` (no role named: any).

    The house itself and platform operators always pass; a token passes at its own clinic, where its scopes are the
    API's business. Raises Refused.
    """
    if not allowed(clinic, *roles, actor=actor):
        names = ", ".join(str(Role(role).label) for role in roles or EVERYBODY)
        raise Refused(_("This takes the role %(roles)s at this clinic.") % {"roles": names}, code="forbidden")


def for_the_platform(*, actor: Actor | None = None) -> bool:
    """Tell whether the house itself or a platform operator acts."""
    actor = actor or current()
    return actor.kind == "system" or (actor.kind == "user" and _operator_id(actor.user_id))


def require_operator(*, actor: Actor | None = None) -> None:
    """Refuse unless the house itself or a platform operator acts. Raises Refused."""
    if not for_the_platform(actor=actor):
        raise Refused(_("Only a platform operator may do this."), code="forbidden")


def membership_at(clinic: Any, *, actor: Actor | None = None) -> Membership | None:
    """Return the acting person's membership at `clinic`, for "done by" columns; None for anybody else."""
    actor = actor or current()
    if actor.kind != "user" or actor.user_id is None:
        return None
    rows = Membership.objects.filter(clinic_id=getattr(clinic, "pk", clinic), user_id=actor.user_id, is_active=True)
    return rows.order_by("pk").first()
