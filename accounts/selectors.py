"""Questions about clinics, their staff and what is paused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from accounts.models import Clinic, Membership, Pause
from accounts.permissions import Role
from clinic.errors import ClinicError


def clinic_by_slug(slug: str) -> Clinic:
    """Return the clinic of that slug. Raises ClinicError listing those there are."""
    clinic = Clinic.objects.filter(slug=slug).first()
    if clinic is None:
        known = ", ".join(Clinic.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"
        raise ClinicError(f"There is no clinic “{slug}”; there are: {known}.", code="not_found", path="clinic")
    return clinic


def local_date(clinic: Clinic, moment: datetime) -> date:
    """Return the calendar date at the clinic at `moment` (aware)."""
    return moment.astimezone(ZoneInfo(clinic.time_zone)).date()


def members(clinic: Any, role: str | None = None) -> QuerySet[Membership]:
    """Return who works at the clinic now (an instance or its id), in a role if one is named."""
    rows = Membership.objects.filter(clinic_id=getattr(clinic, "pk", clinic), is_active=True, user__is_active=True)
    if role is not None:
        rows = rows.filter(role=role)
    return rows.select_related("user").order_by("pk")


def clinic_admins(clinic: Any) -> QuerySet[Membership]:
    """Return the clinic's admins."""
    return members(clinic, Role.CLINIC_ADMIN)


@dataclass(frozen=True, slots=True)
class Pauses:
    """What stands still now."""

    stopped: frozenset[tuple[int, str, int | None]]

    def stop(self, clinic_id: int, *, rule_id: int | None = None, patient_id: int | None = None) -> bool:
        """Tell whether work for this clinic, rule or patient must wait."""
        return not self.stopped.isdisjoint(
            {(clinic_id, "clinic", None), (clinic_id, "rule", rule_id), (clinic_id, "patient", patient_id)}
        )


def pauses_in_force(clinic_ids: Iterable[int] | None = None) -> Pauses:
    """Read every standing pause (of these clinics) in one query, for a batch."""
    rows = Pause.objects.filter(ended_at__isnull=True)
    if clinic_ids is not None:
        rows = rows.filter(clinic_id__in=list(clinic_ids))
    return Pauses(frozenset(rows.values_list("clinic_id", "scope", "target_id")))


def is_paused(clinic: Any, *, rule_id: int | None = None, patient_id: int | None = None) -> bool:
    """Tell whether executing and sending stands still for the clinic, that rule or that patient."""
    clinic_id = getattr(clinic, "pk", clinic)
    return pauses_in_force([clinic_id]).stop(clinic_id, rule_id=rule_id, patient_id=patient_id)
