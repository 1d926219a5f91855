"""Which dates of birth are believed."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from clinic.errors import ClinicError

FIRST = date(1900, 1, 1)
"""Nobody alive was born before; a year like 197 or 1090 is a slip of the finger."""


def check_birth(born: date | None, today: date) -> None:
    """Refuse a date of birth that cannot be right. Raises ClinicError."""
    if born is None:
        return
    if born > today:
        raise ClinicError(_("The date of birth is in the future."), code="future_date", path="birth_date")
    if born < FIRST:
        raise ClinicError(_("The date of birth lies before 1900: check the year."), code="past_date", path="birth_date")
