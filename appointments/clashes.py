"""Visits at the same time: two of one patient, or two at one specialist. And those at an odd time.

Whoever books on a page is told and may go on with a reason; programs and imports know better and are not asked. The
patient's lock keeps two bookings of one patient apart. Two at one specialist have a lock of their own: it comes after
the patients', and whoever holds it waits for nobody, so that no ring can form.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from appointments.lifecycle import OPEN
from appointments.locking import REASON_MAX
from appointments.models import Appointment
from clinic.clock import now
from clinic.errors import Refused

LOCK_SPACE = 0x76697369  # "visi": the advisory locks of this module
LONGEST = timedelta(days=1)
"""A longer one is a stay, which leaves room for visits."""
NAMED_MAX = 3
PAST = timedelta(days=1)
AHEAD = timedelta(days=5 * 365 + 1)
"""A visit before or after is rather a slip of the finger than what was meant."""


def clashing(
    clinic: Any,
    *,
    patient: Any,
    specialist: Any,
    starts: Sequence[datetime],
    minutes: int,
    but: Sequence[int] = (),
) -> list[Appointment]:
    """Return the open visits that overlap one of the wanted ones, soonest first; `but` names ids to leave out."""
    if not starts:
        return []
    length = timedelta(minutes=minutes)
    whose = Q(patient=patient) | Q(specialist=specialist) if specialist is not None else Q(patient=patient)
    rows = Appointment.objects.for_clinic(clinic).filter(whose, status__in=OPEN).exclude(pk__in=but)
    rows = rows.filter(starts_at__lt=max(starts) + length, starts_at__gt=min(starts) - LONGEST)
    found = [
        pk
        for pk, begins, lasts in rows.values_list("pk", "starts_at", "minutes")
        if timedelta(minutes=lasts) <= LONGEST and _overlaps(begins, timedelta(minutes=lasts), starts, length)
    ]
    if not found:
        return []
    return list(Appointment.objects.filter(pk__in=found).select_related("patient", "service", "specialist", "clinic"))


def _overlaps(begins: datetime, lasts: timedelta, starts: Sequence[datetime], length: timedelta) -> bool:
    return any(begins < start + length and start < begins + lasts for start in starts)


def refuse_clash(
    clinic: Any,
    *,
    patient: Any,
    specialist: Any,
    starts: Sequence[datetime],
    minutes: int,
    reason: str | None,
    but: Sequence[int] = (),
    dated: Sequence[datetime] = (),
) -> dict[str, Any]:
    """Refuse visits at the same time (`clash`) unless a reason is given; return what the audit trail keeps of it.

    `dated` are the starts that somebody has just chosen: one long ago, or years ahead, is asked about in the same way
    (`odd_date`). `reason` None: nobody asks. Needs a transaction in which the patient is locked.
    """
    if reason is None:
        return {}
    if specialist is not None:
        _lock(specialist.pk)
    found = clashing(clinic, patient=patient, specialist=specialist, starts=starts, minutes=minutes, but=but)
    odd = _odd(dated)
    if not found and not odd:
        return {}
    if not reason.strip():
        raise Refused(_said(found, patient, odd), code="clash" if found else "odd_date", path="clash_reason")
    kept = {"clashes": [row.pk for row in found[:NAMED_MAX]]} if found else {}
    return {"clash_reason": reason.strip()[:REASON_MAX]} | kept


def _lock(specialist_id: int) -> None:
    """Let one booking at a time look at this specialist's visits, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, specialist_id % 2**31])


def _odd(starts: Sequence[datetime]) -> str:
    """Say what is odd about the moments that somebody chose; empty if nothing is."""
    moment = now()
    for start in starts:
        when = {"when": date_format(timezone.localtime(start), "DATETIME_FORMAT")}
        if start < moment - PAST:
            return _("This lies in the past (%(when)s).") % when
        if start > moment + AHEAD:
            return _("This is more than five years ahead (%(when)s).") % when
    return ""


def _said(found: Sequence[Appointment], patient: Any, odd: str) -> str:
    texts = [odd] if odd else []
    texts += [_one(row, patient) for row in found[:NAMED_MAX]]
    if len(found) > NAMED_MAX:
        texts.append(_("There are %(n)d more.") % {"n": len(found) - NAMED_MAX})
    return " ".join([*texts, _("Choose another time, or give a reason to book all the same.")])


def _one(row: Appointment, patient: Any) -> str:
    when = date_format(timezone.localtime(row.starts_at), "DATETIME_FORMAT")
    if row.patient_id == patient.pk:
        return _("The patient has a visit then already (%(when)s).") % {"when": when}
    return _("%(specialist)s has another visit then (%(when)s).") % {"specialist": row.specialist, "when": when}
