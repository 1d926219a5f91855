"""What services check before they write: the moment, the zone, the revision, the clinic of what was named.

Each raises ClinicError naming the field (`path`) and what would be right.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Membership
from accounts.permissions import Role
from clinic import clock
from clinic.errors import ClinicError, StaleRecord

CARE = (Role.CLINIC_ADMIN, Role.SPECIALIST)
DESK = (Role.CLINIC_ADMIN, Role.SPECIALIST, Role.FRONT_DESK)
REASON_MAX = 300
FIRST_YEAR, LAST_YEAR = 1900, 2199


def check_revision(row: Any, revision: int | None) -> None:
    """Refuse with StaleRecord if the person saw another revision than the stored one (None: did not look)."""
    if revision is not None and row.revision != revision:
        raise StaleRecord(str(row._meta.verbose_name))


def check_moment(moment: datetime | None, path: str = "occurred_at") -> None:
    """Refuse a moment without a zone, and one that has not come yet: delays count from it."""
    if moment is None:
        return
    check_zone(moment, path)
    if moment > clock.now():
        raise ClinicError(_("Something that happened cannot lie in the future."), code="future", path=path)


def check_zone(moment: datetime, path: str) -> None:
    """Refuse a moment without a zone, and one in a year that is a slip: near the calendar's ends nothing adds up."""
    if moment.tzinfo is None:
        raise ClinicError(_("Name the time zone, for example 2026-11-30T09:00:00+02:00."), code="naive_time", path=path)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ClinicError(
            _("Write a year from %(first)d to %(last)d.") % {"first": FIRST_YEAR, "last": LAST_YEAR},
            code="year",
            path=path,
        )


def check_clinic(clinic: Any, **rows: Any) -> None:
    """Refuse a row of another clinic, in the words for one that does not exist."""
    for path, row in rows.items():
        if row is not None and row.clinic_id != clinic.pk:
            raise ClinicError(_("There is no such record at this clinic."), code="not_found", path=path)


def check_specialist(clinic: Any, specialist: Membership | None) -> None:
    """Refuse somebody who cannot see patients here: of another clinic, inactive, or with another role."""
    if specialist is None:
        return
    check_clinic(clinic, specialist=specialist)
    if not specialist.is_active or specialist.role != Role.SPECIALIST:
        raise ClinicError(
            _("%(name)s is not an active specialist of this clinic.") % {"name": specialist.name},
            code="not_a_specialist",
            path="specialist",
        )
