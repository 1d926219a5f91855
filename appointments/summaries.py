"""What the specialist wrote about a visit: a draft until it is released to the patient."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, permissions
from appointments.locking import CARE, check_moment, fresh
from appointments.models import Appointment, VisitSummary
from clinic import clock
from clinic.errors import ClinicError, ImpossibleTransition, StaleRecord

Status = Appointment.Status
NEVER_TOOK_PLACE = (Status.CANCELLED, Status.NO_SHOW, Status.ENTERED_IN_ERROR)


def write_summary(appointment: Appointment, *, text: str, revision: int | None = None) -> VisitSummary:
    """Write, or write anew, the draft of a visit's summary; a released one stays as the patient read it."""
    permissions.require(appointment.clinic_id, *CARE)
    if not text.strip() or "\0" in text:
        raise ClinicError(_("Write the summary; it is empty or holds characters that are no text."), path="text")
    with transaction.atomic():
        visit = _visit(appointment)
        summary = VisitSummary.objects.filter(appointment=visit).first()
        if summary is None:
            summary = VisitSummary(clinic=visit.clinic, patient=visit.patient, appointment=visit)
        elif summary.text == text:
            return summary
        elif summary.status == VisitSummary.Status.RELEASED:
            raise _impossible(summary, VisitSummary.Status.DRAFT)
        elif revision is not None and summary.revision != revision:
            raise StaleRecord(str(summary._meta.verbose_name))
        summary.text = text
        summary.save()
        audit.record("visit_summary.written", obj=summary)
    return summary


def release_summary(
    appointment: Appointment, *, occurred_at: datetime | None = None, revision: int | None = None
) -> VisitSummary:
    """Let the patient read the summary of this visit; from now on it stays as it is."""
    permissions.require(appointment.clinic_id, *CARE)
    check_moment(occurred_at)
    with transaction.atomic():
        visit = _visit(appointment)
        summary = VisitSummary.objects.filter(appointment=visit).first()
        if summary is None:
            raise ClinicError(_("There is no summary of this visit yet. Write it first."), code="no_summary")
        if summary.status == VisitSummary.Status.RELEASED:
            return summary
        if revision is not None and summary.revision != revision:
            raise StaleRecord(str(summary._meta.verbose_name))
        summary.status = VisitSummary.Status.RELEASED
        summary.released_at = occurred_at or clock.now()
        summary.released_by = permissions.membership_at(visit.clinic_id)
        summary.occurred_at_hint = occurred_at  # type: ignore[attr-defined]
        summary.save()
        audit.record("visit_summary.released", obj=summary)
    return summary


def _visit(appointment: Appointment) -> Appointment:
    """Lock and read the visit, which must not be one that never took place."""
    visit = fresh(appointment)
    if visit.status in NEVER_TOOK_PLACE:
        raise ClinicError(
            _("This visit did not take place, so there is nothing to summarise."), code="no_visit", path="appointment"
        )
    return visit


def _impossible(summary: VisitSummary, wanted: str) -> ImpossibleTransition:
    words = dict(VisitSummary.Status.choices)
    noun = str(summary._meta.verbose_name).capitalize()
    return ImpossibleTransition(noun, str(words[summary.status]), str(words[wanted]))
