"""What a signed-in person may reach in the admin: which clinics, in which role."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.filters import RelatedFieldListFilter
from django.db.models import Field, QuerySet
from django.http import HttpRequest

from accounts.models import Clinic, Membership, User
from accounts.permissions import active_memberships, is_operator


def roles_of(request: HttpRequest) -> dict[int, set[str]]:
    """Return the person's roles by clinic id, read once a request."""
    cached: dict[int, set[str]] | None = getattr(request, "_roles_by_clinic", None)
    if cached is None:
        cached = {}
        if request.user.is_authenticated:
            for one in active_memberships(request.user):
                cached.setdefault(one.clinic_id, set()).add(one.role)
        request._roles_by_clinic = cached  # type: ignore[attr-defined]
    return cached


def sees_all(request: HttpRequest) -> bool:
    """Tell whether the person is a platform operator."""
    return request.user.is_authenticated and is_operator(request.user)


def reach(request: HttpRequest, roles: Any = None) -> set[int] | None:
    """Return the clinics where the person has one of the roles (None named: any); None stands for every clinic."""
    if sees_all(request):
        return None
    return {pk for pk, mine in roles_of(request).items() if roles is None or mine & set(roles)}


def may(request: HttpRequest, roles: Any, clinic_id: int | None = None) -> bool:
    """Tell whether the person has one of the roles at that clinic (no clinic: at any)."""
    clinics = reach(request, roles)
    if clinics is None:
        return bool(roles)
    return bool(clinics) if clinic_id is None else clinic_id in clinics


def within(queryset: QuerySet[Any], clinics: set[int] | None) -> QuerySet[Any]:
    """Keep the rows of these clinics (None: all). Works for clinics, clinic-owned rows, users and shared tables."""
    if clinics is None:
        return queryset
    model = queryset.model
    if model is Clinic:
        return queryset.filter(pk__in=clinics)
    if model is User:
        staff = Membership.objects.filter(clinic_id__in=clinics).values("user_id")
        return queryset.filter(pk__in=staff)
    if any(field.attname == "clinic_id" for field in model._meta.concrete_fields):
        return queryset.filter(clinic_id__in=clinics)
    return queryset


class ClinicRelatedFilter(RelatedFieldListFilter):
    """A filter by a related row that offers the rows of the person's own clinics only."""

    def field_choices(self, field: Field[Any, Any], request: HttpRequest, model_admin: Any) -> list[Any]:
        """List (id, label) of the rows that may be chosen."""
        rows = within(field.related_model._default_manager.all(), reach(request))  # type: ignore[union-attr]
        return [(row.pk, str(row)) for row in rows]
