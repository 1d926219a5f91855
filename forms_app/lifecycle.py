"""The life of a request after it was made, signing apart (signing.py): begun, declined, voided, expired, withdrawn."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import current
from accounts.permissions import Role, require
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import ImpossibleTransition, Refused
from forms_app import telling
from forms_app.answers import check_answers
from forms_app.models import FormRequest, FormTemplate

Status = FormRequest.Status

SOURCES: dict[str, tuple[str, ...]] = {
    Status.IN_PROGRESS: (Status.REQUIRED,),
    Status.SIGNED: FormRequest.OPEN,
    Status.SUBMITTED: FormRequest.OPEN,
    Status.AMENDED: (Status.SIGNED, Status.SUBMITTED),
    Status.DECLINED: FormRequest.OPEN,
    Status.VOIDED: FormRequest.OPEN,
    Status.EXPIRED: FormRequest.OPEN,
    Status.WITHDRAWN: (Status.SIGNED, Status.AMENDED),
}
"""Which states lead to a state. The sides from which nothing leads on: declined, voided, expired, withdrawn."""


def locked(request: FormRequest) -> FormRequest:
    """Lock the request's patient and read the request as it is now. Call it inside a transaction."""
    lock_patients([request.patient_id])
    return FormRequest.objects.select_related("template", "version", "clinic", "patient__clinic").get(pk=request.pk)


def may_act(request: FormRequest, *roles: str) -> None:
    """Refuse whoever is neither the request's own patient (by link) nor staff of its clinic."""
    actor = current()
    if actor.kind == "patient" and actor.patient_id == request.patient_id:
        return
    require(request.clinic_id, *roles)


def check_move(request: FormRequest, to: str) -> None:
    """Raise ImpossibleTransition unless the life-cycle leads from the request's state to `to`."""
    if request.status not in SOURCES[to]:
        noun = str(request._meta.verbose_name)
        raise ImpossibleTransition(noun, request.get_status_display(), str(Status(to).label))


def begin(request: FormRequest, *, occurred_at: datetime | None = None) -> FormRequest:
    """Note that somebody has begun to fill the form."""
    may_act(request)
    with transaction.atomic():
        fresh = locked(request)
        if fresh.status == Status.IN_PROGRESS:
            return fresh
        check_move(fresh, Status.IN_PROGRESS)
        fresh.status = Status.IN_PROGRESS
        return _save(fresh, occurred_at)


def save_draft(request: FormRequest, *, answers: Any) -> FormRequest:
    """Keep answers that are not signed yet; those that are wrong are left out, missing ones are no error."""
    may_act(request)
    with transaction.atomic():
        fresh = locked(request)
        if fresh.status != Status.IN_PROGRESS:
            check_move(fresh, Status.IN_PROGRESS)
        kept, _problems = check_answers(fresh.version.questions, answers, complete=False)
        if fresh.status == Status.IN_PROGRESS and fresh.draft_answers == kept:
            return fresh
        fresh.status, fresh.draft_answers = Status.IN_PROGRESS, kept
        return _save(fresh, None)


def decline(request: FormRequest, *, reason: str = "", occurred_at: datetime | None = None) -> FormRequest:
    """Note that the patient does not want to sign or answer."""
    may_act(request)
    return _finish(request, Status.DECLINED, "form.declined", reason, occurred_at)


def void(request: FormRequest, *, reason: str = "", occurred_at: datetime | None = None) -> FormRequest:
    """Take an open request back: nobody needs it any more."""
    require(request.clinic_id)
    return _finish(request, Status.VOIDED, "form.voided", reason, occurred_at)


def expire(request: FormRequest, *, reason: str = "", occurred_at: datetime | None = None) -> FormRequest:
    """End an open request that came too late to be of use."""
    require(request.clinic_id)
    return _finish(request, Status.EXPIRED, "form.expired", reason, occurred_at)


def withdraw(request: FormRequest, *, reason: str = "", occurred_at: datetime | None = None) -> FormRequest:
    """Take a signed consent back; what was signed stays on record."""
    may_act(request, Role.CLINIC_ADMIN, Role.SPECIALIST)
    if request.template.kind != FormTemplate.Kind.CONSENT:
        raise Refused(_("Only a consent can be withdrawn; correct the answers instead."), code="not_a_consent")
    return _finish(request, Status.WITHDRAWN, "form.withdrawn", reason, occurred_at)


def void_about(
    about_type: str, about_ids: Iterable[int], *, reason: str, occurred_at: datetime | None = None
) -> list[FormRequest]:
    """Void every open request about these records, for example of cancelled appointments; return those it voided."""
    rows = FormRequest.objects.filter(about_type=about_type, about_id__in=list(about_ids))
    return _void_all(rows, reason, occurred_at)


def void_of_patients(
    patient_ids: Collection[int], *, reason: str, occurred_at: datetime | None = None
) -> list[FormRequest]:
    """Void every open request of patients who left."""
    return _void_all(FormRequest.objects.filter(patient_id__in=patient_ids), reason, occurred_at)


@dataclass(frozen=True, slots=True)
class Unwanted:
    """A form that a patient needs no more, what it belongs to ("": anything), and the step that says so."""

    patient_id: int
    form: str
    about_type: str
    about_id: int | None
    step_id: int

    def meant(self, row: FormRequest) -> bool:
        """Tell whether an open request is one of these: not one of another thing of the same kind."""
        if (row.patient_id, row.template.slug) != (self.patient_id, self.form):
            return False
        return row.about_type != self.about_type or row.about_id == self.about_id


def cancel_open(unwanted: Sequence[Unwanted], *, reason: str) -> list[FormRequest]:
    """Void the open requests that are not needed any more; each names the step that caused it."""
    with transaction.atomic():
        lock_patients({one.patient_id for one in unwanted})
        rows = FormRequest.objects.filter(
            patient_id__in={one.patient_id for one in unwanted},
            template__slug__in={one.form for one in unwanted},
            status__in=FormRequest.OPEN,
        )
        found = []
        for row in rows.select_related("template").order_by("pk"):
            cause = next((one for one in unwanted if one.meant(row)), None)
            if cause is not None:
                row.caused_by_step_id = cause.step_id  # type: ignore[attr-defined]
                found.append(row)
        return _void(found, reason, None)


def about_moved(about_type: str, starts: Mapping[int, datetime]) -> list[FormRequest]:
    """Move the due time of open requests that are due N days before what they are about; `starts`: the new moments."""
    rows = FormRequest.objects.filter(about_type=about_type, about_id__in=list(starts), due_days_before__isnull=False)
    with transaction.atomic():
        lock_patients(rows.values_list("patient_id", flat=True))
        moved, moment = [], now()
        for row in rows.filter(status__in=FormRequest.OPEN).select_related("clinic").order_by("pk"):
            assert row.due_days_before is not None
            zone = ZoneInfo(row.clinic.time_zone)
            due_at = due_before(starts[row.about_id or 0], row.due_days_before, zone, moment)
            if due_at != row.due_at:
                row.due_at = due_at
                moved.append(row)
        if moved:
            FormRequest.objects.bulk_update(moved, ["due_at"])
    return moved


def due_before(start: datetime, days: int, zone: ZoneInfo, moment: datetime) -> datetime:
    """Give the same local time `days` local days before the start; if `moment` is past that, the start itself.

    A local time that does not exist moves forward, one that exists twice is its first.
    """
    local = start.astimezone(zone)
    earlier = datetime.combine(local.date() - timedelta(days=days), local.time(), zone).astimezone(UTC)
    return earlier if earlier > moment else start.astimezone(UTC)


def _void_all(rows: Any, reason: str, occurred_at: datetime | None) -> list[FormRequest]:
    with transaction.atomic():
        lock_patients(rows.order_by().values_list("patient_id", flat=True))
        return _void(list(rows.filter(status__in=FormRequest.OPEN).order_by("pk")), reason, occurred_at)


def _void(found: list[FormRequest], reason: str, occurred_at: datetime | None) -> list[FormRequest]:
    """Void open requests whose patients are locked."""
    if not found:
        return []
    moment = occurred_at or now()
    for row in found:
        row.status, row.reason, row.finished_at = Status.VOIDED, reason[:200], moment
        if occurred_at is not None:
            row.occurred_at_hint = occurred_at  # type: ignore[attr-defined]
    FormRequest.objects.bulk_update(found, ["status", "reason", "finished_at"])
    telling.settled(found)
    return found


def _finish(request: FormRequest, to: str, action: str, reason: str, occurred_at: datetime | None) -> FormRequest:
    with transaction.atomic():
        fresh = locked(request)
        if fresh.status == to:
            return fresh
        check_move(fresh, to)
        fresh.status, fresh.reason, fresh.finished_at = to, reason[:200], occurred_at or now()
        fresh = _save(fresh, occurred_at)
        telling.settled([fresh])
        audit.record(action, obj=fresh)
    return fresh


def _save(fresh: FormRequest, occurred_at: datetime | None) -> FormRequest:
    if occurred_at is not None:
        fresh.occurred_at_hint = occurred_at  # type: ignore[attr-defined]
    fresh.save()
    return fresh
