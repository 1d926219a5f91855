"""The verbs of appointments. Each is locked, asks for the role, is audited, and says no with a reason.

Asking for the state that an appointment is in does nothing: no event, no error, so that a second click is harmless.
`occurred_at` says when it happened, if not now; `revision` is that of the copy which the person saw.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, permissions
from accounts.models import Membership
from appointments.booking import book, book_series
from appointments.clashes import refuse_clash
from appointments.lifecycle import FINISHED, OPEN, REOPENED_AS, UPCOMING, VERBS
from appointments.locking import (
    CARE,
    DESK,
    REASON_MAX,
    check_moment,
    check_revision,
    check_specialist,
    check_zone,
    fresh,
)
from appointments.models import Appointment
from appointments.offers import archive_service, create_service, restore_service, update_service
from appointments.summaries import release_summary, write_summary
from appointments.undoing import undo
from clinic.errors import ClinicError, ImpossibleTransition

__all__ = [
    "archive_service",
    "book",
    "book_series",
    "cancel",
    "change",
    "complete",
    "confirm",
    "create_service",
    "enter_in_error",
    "no_show",
    "reassign",
    "release_summary",
    "reopen",
    "reschedule",
    "restore_service",
    "start",
    "undo",
    "update_service",
    "write_summary",
]


def confirm(
    appointment: Appointment, *, occurred_at: datetime | None = None, revision: int | None = None
) -> Appointment:
    """Note that the patient will come."""
    return _move(appointment, "confirm", "appointment.confirmed", occurred_at, revision)


def start(appointment: Appointment, *, occurred_at: datetime | None = None, revision: int | None = None) -> Appointment:
    """Note that the visit has begun."""
    return _move(appointment, "start", "appointment.started", occurred_at, revision)


def complete(
    appointment: Appointment, *, occurred_at: datetime | None = None, revision: int | None = None
) -> Appointment:
    """Note that the visit is over."""
    return _move(appointment, "complete", "appointment.completed", occurred_at, revision)


def cancel(
    appointment: Appointment,
    *,
    reason: str = "",
    occurred_at: datetime | None = None,
    revision: int | None = None,
) -> Appointment:
    """Call the visit off; its open questionnaires are voided."""
    return _move(appointment, "cancel", "appointment.cancelled", occurred_at, revision, reason=reason)


def no_show(
    appointment: Appointment, *, occurred_at: datetime | None = None, revision: int | None = None
) -> Appointment:
    """Note that the patient did not come."""
    return _move(appointment, "no_show", "appointment.no_show", occurred_at, revision)


def enter_in_error(appointment: Appointment, *, reason: str = "", revision: int | None = None) -> Appointment:
    """Strike out an appointment that never was: rules hear nothing, what was planned for it stops."""
    return _move(appointment, "enter_in_error", "appointment.entered_in_error", None, revision, CARE, reason)


def reopen(
    appointment: Appointment,
    *,
    to: str = Appointment.Status.BOOKED,
    reason: str = "",
    occurred_at: datetime | None = None,
    revision: int | None = None,
) -> Appointment:
    """Correct a completed, cancelled or missed visit back to booked or confirmed; what finishing planned stops."""
    permissions.require(appointment.clinic_id, *CARE)
    check_moment(occurred_at)
    if to not in REOPENED_AS:
        raise ClinicError(_("An appointment is reopened as booked or as confirmed."), code="invalid_choice", path="to")
    with transaction.atomic():
        row = fresh(appointment)
        if row.status == to:
            return row
        if row.status not in FINISHED:
            raise _impossible(row, to)
        check_revision(row, revision)
        detail = {"from": row.status, "to": str(to), "reason": reason.strip()[:REASON_MAX]}
        _write(row, {"status": to}, occurred_at)
        audit.record("appointment.reopened", obj=row, detail=detail)
    return row


def reschedule(
    appointment: Appointment,
    *,
    starts_at: datetime,
    occurred_at: datetime | None = None,
    revision: int | None = None,
) -> Appointment:
    """Move the visit to another time; its state stays."""
    return change(appointment, occurred_at=occurred_at, revision=revision, starts_at=starts_at)


def reassign(
    appointment: Appointment,
    *,
    specialist: Membership | None,
    occurred_at: datetime | None = None,
    revision: int | None = None,
) -> Appointment:
    """Give the visit to another specialist, or to nobody yet."""
    return change(appointment, occurred_at=occurred_at, revision=revision, specialist=specialist)


def change(
    appointment: Appointment,
    *,
    occurred_at: datetime | None = None,
    revision: int | None = None,
    clash_reason: str | None = None,
    **values: Any,
) -> Appointment:
    """Change start, specialist, service, minutes, location or join_url, all in one write.

    Raises ImpossibleTransition when a start moves after the visit began, or a specialist after it ended; Refused
    (`clash`) for another visit at that time, unless `clash_reason` says why (None: that is not looked at).
    """
    permissions.require(appointment.clinic_id, *DESK)
    check_moment(occurred_at)
    with transaction.atomic():
        row = fresh(appointment)
        differing = {name: value for name, value in values.items() if getattr(row, name) != value}
        if not differing:
            return row
        _check_change(row, differing)
        check_revision(row, revision)
        despite = _refuse_clash(row, differing, clash_reason)
        _write(row, differing, occurred_at)
        for action in _audited_as(differing):
            audit.record(action, obj=row, detail={"fields": sorted(differing)} | despite)
    return row


CHANGEABLE = frozenset({"starts_at", "specialist", "service", "minutes", "location", "join_url"})


def _check_change(row: Appointment, values: dict[str, Any]) -> None:
    unknown = sorted(set(values) - CHANGEABLE)
    if unknown:
        raise TypeError(f"change() does not know {', '.join(unknown)}; it changes {', '.join(sorted(CHANGEABLE))}.")
    if "starts_at" in values:
        check_zone(values["starts_at"], "starts_at")
        if row.status not in UPCOMING:
            raise _impossible(row, _("rescheduled"))
    if "specialist" in values:
        check_specialist(row.clinic, values["specialist"])
        if row.status not in OPEN:
            raise _impossible(row, _("reassigned"))
    if "service" in values and (row.status not in UPCOMING or values["service"].clinic_id != row.clinic_id):
        raise ClinicError(_("The service of this appointment can no longer change."), code="fixed", path="service")


def _refuse_clash(row: Appointment, values: dict[str, Any], reason: str | None) -> dict[str, Any]:
    """Look for visits at the same time if this moves the visit, makes it longer, or gives it to somebody else."""
    if not values.keys() & {"starts_at", "minutes", "specialist"} or row.status not in OPEN:
        return {}
    wanted = {name: values.get(name, getattr(row, name)) for name in ("specialist", "minutes")}
    starts = [values.get("starts_at", row.starts_at)]
    dated = starts if "starts_at" in values else []
    return refuse_clash(
        row.clinic, patient=row.patient, starts=starts, reason=reason, but=[row.pk], dated=dated, **wanted
    )


def _audited_as(values: dict[str, Any]) -> list[str]:
    names = {"starts_at": "appointment.rescheduled", "specialist": "appointment.reassigned"}
    return [names[name] for name in names if name in values] or ["appointment.changed"]


def _move(
    appointment: Appointment,
    verb: str,
    action: str,
    occurred_at: datetime | None,
    revision: int | None,
    roles: tuple[Any, ...] = DESK,
    reason: str = "",
) -> Appointment:
    """Take one step of the life-cycle."""
    permissions.require(appointment.clinic_id, *roles)
    check_moment(occurred_at)
    move = VERBS[verb]
    with transaction.atomic():
        row = fresh(appointment)
        if row.status == move.to:
            return row
        if row.status not in move.sources:
            raise _impossible(row, move.to)
        check_revision(row, revision)
        detail = {"from": row.status} | ({"reason": reason.strip()[:REASON_MAX]} if reason.strip() else {})
        _write(row, {"status": move.to}, occurred_at)
        audit.record(action, obj=row, detail=detail)
    return row


def _write(row: Appointment, values: dict[str, Any], occurred_at: datetime | None) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.occurred_at_hint = occurred_at  # type: ignore[attr-defined]
    row.save(update_fields=list(values))


def _impossible(row: Appointment, wanted: Any) -> ImpossibleTransition:
    words = dict(Appointment.Status.choices)
    return ImpossibleTransition(
        str(row._meta.verbose_name).capitalize(), str(words[row.status]), str(words.get(wanted, wanted))
    )
