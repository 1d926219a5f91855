"""Recording what was signed on paper, with its scan, as if the patient had signed here."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Membership
from accounts.permissions import require
from clinic.clock import now
from clinic.errors import ClinicError, Refused
from forms_app.models import FormRequest, FormResponse, FormTemplate, PaperScan
from forms_app.requesting import ALREADY_SIGNED, request_form
from forms_app.signing import SELF, sign
from forms_app.witnessing import InPerson, Scan

LONGEST_AGO = 366 * 20


def record_paper(
    *,
    clinic: Any,
    patient: Any,
    template: FormTemplate,
    signed_on: date,
    signed_by: str,
    witness: Membership,
    scan: Scan,
    answers: Any = None,
    relation: str = SELF,
) -> FormRequest:
    """Record a form that was signed on paper, on the open request for it or on a new one.

    It counts from that day (noon at the clinic, if it is not today). Raises FormInvalid with every wrong answer, and
    Refused or ClinicError naming the field: a day ahead, somebody who may not sign, one that is signed already.
    """
    require(clinic)
    moment = _moment(clinic, signed_on)
    with transaction.atomic():
        requested = request_form(clinic=clinic, patient=patient, template=template)
        if requested.outcome == ALREADY_SIGNED:
            raise Refused(_("The patient signed this form already."), code="already_signed", path="template")
        return sign(
            requested.request,
            answers=answers or {},
            signed_by=signed_by,
            relation=relation,
            in_person=InPerson(FormResponse.Method.PAPER, witness, scan),
            occurred_at=moment,
        )


def _moment(clinic: Any, day: date) -> datetime:
    zone, moment = ZoneInfo(clinic.time_zone), now()
    today = moment.astimezone(zone).date()
    if day > today:
        raise ClinicError(_("This day is still ahead."), code="future", path="signed_on")
    if (today - day).days > LONGEST_AGO:
        raise ClinicError(_("This day is too long ago."), code="past", path="signed_on")
    return moment if day == today else datetime.combine(day, time(12), zone)


def read_scan(scan: PaperScan) -> bytes:
    """Return the bytes of a scan, and keep who read it."""
    require(scan.clinic_id)
    audit.record("form.scan_read", obj=scan.response, detail={"scan": scan.pk})
    return bytes(scan.content)
