"""Make appointments: one, or a series."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, permissions
from accounts.models import Membership
from appointments.clashes import refuse_clash
from appointments.lifecycle import OPEN, UPCOMING
from appointments.locking import DESK, REASON_MAX, check_clinic, check_moment, check_specialist, check_zone
from appointments.models import Appointment, Series, Service
from clinic.db import lock_patients
from clinic.errors import ClinicError, Refused
from forms_app.selectors import blocking_forms

SERIES_MAX = 200


def book(
    *,
    clinic: Any,
    patient: Any,
    service: Service,
    starts_at: datetime,
    specialist: Membership | None = None,
    status: str = Appointment.Status.BOOKED,
    minutes: int | None = None,
    location: str = "",
    join_url: str | None = None,
    external_id: str | None = None,
    override_reason: str = "",
    clash_reason: str | None = None,
    occurred_at: datetime | None = None,
) -> Appointment:
    """Create an appointment, in a later state if it is recorded afterwards.

    `minutes` is the service's own length unless given; `override_reason` books in spite of a blocking form,
    `clash_reason` in spite of another visit at that time (None: that is not looked at). Raises Refused for a blocking
    form (`blocking_form`), a visit at that time (`clash`) or a patient who is not active, ClinicError for what does
    not fit.
    """
    _check_whom(clinic, patient, service, specialist)
    check_zone(starts_at, "starts_at")
    check_moment(occurred_at)
    _check_status(status)
    length = service.minutes if minutes is None else minutes
    with transaction.atomic():
        despite = _check_patient(patient, service, status, override_reason)
        _check_external_id(clinic, external_id)
        starts = [starts_at] if status in OPEN else []
        despite |= refuse_clash(clinic, patient=patient, specialist=specialist, starts=starts, minutes=length,
                                reason=clash_reason, dated=[starts_at])  # fmt: skip
        row = Appointment(
            clinic=clinic,
            patient=patient,
            service=service,
            specialist=specialist,
            starts_at=starts_at,
            minutes=length,
            status=status,
            location=location,
            join_url=join_url or None,
            external_id=external_id or None,
        )
        row.occurred_at_hint = occurred_at  # type: ignore[attr-defined]
        row.save()
        audit.record("appointment.booked", obj=row, detail={"status": str(status), **despite})
    return row


def book_series(
    *,
    clinic: Any,
    patient: Any,
    service: Service,
    starts: Sequence[datetime],
    specialist: Membership | None = None,
    name: str = "",
    minutes: int | None = None,
    location: str = "",
    join_url: str | None = None,
    override_reason: str = "",
    clash_reason: str | None = None,
) -> Series:
    """Book several visits together; the earliest has position 1. Returns the series; its visits are `.appointments`.

    The reasons are those of `book`.
    """
    _check_whom(clinic, patient, service, specialist)
    _check_starts(starts)
    length = service.minutes if minutes is None else minutes
    with transaction.atomic():
        despite = _check_patient(patient, service, Appointment.Status.BOOKED, override_reason)
        despite |= refuse_clash(clinic, patient=patient, specialist=specialist, starts=starts, minutes=length,
                                reason=clash_reason, dated=starts)  # fmt: skip
        series = Series.objects.create(clinic=clinic, patient=patient, name=name)
        Appointment.objects.bulk_create(
            Appointment(
                clinic=clinic,
                patient=patient,
                service=service,
                specialist=specialist,
                starts_at=starts_at,
                minutes=length,
                location=location,
                join_url=join_url or None,
                series=series,
                series_position=position,
            )
            for position, starts_at in enumerate(sorted(starts), start=1)
        )
        audit.record("series.booked", obj=series, detail={"appointments": len(starts), **despite})
    return series


def _check_whom(clinic: Any, patient: Any, service: Service, specialist: Membership | None) -> None:
    permissions.require(clinic, *DESK)
    check_clinic(clinic, patient=patient, service=service)
    check_specialist(clinic, specialist)


def _check_starts(starts: Sequence[datetime]) -> None:
    for starts_at in starts:
        check_zone(starts_at, "starts")
    if not 1 <= len(starts) <= SERIES_MAX or len(set(starts)) != len(starts):
        raise ClinicError(
            _("Give between 1 and %(most)d different times.") % {"most": SERIES_MAX}, code="starts", path="starts"
        )


def _check_status(status: str) -> None:
    if status not in Appointment.Status.values:
        raise ClinicError(
            _("“%(status)s” is no state; one of %(states)s is.")
            % {"status": status, "states": ", ".join(Appointment.Status.values)},
            code="invalid_choice",
            path="status",
        )


def _check_external_id(clinic: Any, external_id: str | None) -> None:
    if external_id and Appointment.objects.for_clinic(clinic).filter(external_id=external_id).exists():
        message = _("Another appointment of this clinic has this external id.")
        raise ClinicError(message, code="unique", path="external_id")


def _check_patient(patient: Any, service: Service, status: str, override_reason: str) -> dict[str, Any]:
    """Lock the patient; refuse a visit ahead that must not be booked. Returns what the audit trail keeps of it."""
    lock_patients([patient.pk])
    if status not in UPCOMING:
        return {}  # what has happened can always be recorded
    if service.archived_at is not None:
        raise ClinicError(_("This service is no longer offered."), code="archived", path="service")
    if not type(patient).objects.get(pk=patient.pk).is_active:
        raise Refused(_("This patient is not active; no visit can be booked."), code="patient_inactive", path="patient")
    if not blocking_forms(patient.pk):
        return {}
    if not override_reason.strip():
        raise Refused(
            _("A form that blocks booking is still open. Have it signed, or give a reason to book all the same."),
            code="blocking_form",
            path="patient",
        )
    return {"override_reason": override_reason.strip()[:REASON_MAX]}
