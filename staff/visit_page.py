"""What the page of one visit shows beside the visit itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.guards import CARE
from accounts.models import AuditEntry, Membership
from appointments.models import Appointment, VisitSummary
from appointments.summaries import NEVER_TOOK_PLACE
from automations.models import Step
from automations.showing.trace import action_label
from forms_app.models import FormRequest
from staff.visiting import Button, buttons_for, rows_of

MOST = 50
LABEL = Appointment._meta.label_lower
UNDONE = (Step.State.SKIPPED, Step.State.CANCELLED, Step.State.EXPIRED)
DEEDS: dict[str, Any] = {
    "appointment.booked": _("booked"),
    "appointment.confirmed": _("confirmed"),
    "appointment.started": _("started"),
    "appointment.completed": _("completed"),
    "appointment.cancelled": _("cancelled"),
    "appointment.no_show": _("noted as missed"),
    "appointment.entered_in_error": _("entered in error"),
    "appointment.reopened": _("reopened"),
    "appointment.rescheduled": _("moved to another time"),
    "appointment.reassigned": _("given to another specialist"),
    "appointment.changed": _("changed"),
}
KINDS: dict[str, Any] = {"system": _("a rule"), "token": _("another system"), "patient": _("the patient")}


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of the history: what was done, when, by whom, and why."""

    what: Any
    at: datetime
    by: Any
    why: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What a rule planned about this visit, and what became of it."""

    step: Step
    action: Any
    undone: bool


@dataclass(frozen=True, slots=True)
class VisitPage:
    """Everything beside the visit itself."""

    quick: list[Button]
    with_reason: list[Button]
    undo: bool
    summary: VisitSummary | None
    writes_summary: bool
    series: list[Appointment]
    forms: list[FormRequest]
    planned: list[Planned]
    history: list[Deed]


def visit_page(desk: Any, visit: Appointment, moment: datetime) -> VisitPage:
    """Gather it; the summary only for those who may read it. At most seven queries."""
    [row] = rows_of(desk, [visit], moment)
    buttons = buttons_for(visit.status, desk.role)
    reads = desk.role in CARE
    summary = VisitSummary.objects.filter(appointment=visit).first() if reads else None
    return VisitPage(
        quick=[one for one in buttons if not one.asks_why],
        with_reason=[one for one in buttons if one.asks_why],
        undo=row.undo,
        summary=summary,
        writes_summary=reads and _is_open(visit, summary),
        series=_series(visit),
        forms=_forms(visit),
        planned=_planned(visit),
        history=_history(visit),
    )


def _is_open(visit: Appointment, summary: VisitSummary | None) -> bool:
    """Tell whether the visit has begun and its summary can still be written."""
    if summary is not None:
        return summary.status == VisitSummary.Status.DRAFT and visit.status not in NEVER_TOOK_PLACE
    return visit.status in (Appointment.Status.IN_PROGRESS, Appointment.Status.COMPLETED)


def _series(visit: Appointment) -> list[Appointment]:
    if visit.series_id is None:
        return []
    rows = Appointment.objects.filter(series=visit.series_id).exclude(status=Appointment.Status.ENTERED_IN_ERROR)
    return list(rows.order_by("starts_at", "pk")[:200])


def _forms(visit: Appointment) -> list[FormRequest]:
    rows = FormRequest.objects.filter(patient=visit.patient_id, about_type="appointment", about_id=visit.pk)
    return list(rows.select_related("template").order_by("pk")[:MOST])


def _planned(visit: Appointment) -> list[Planned]:
    rows = Step.objects.filter(subject_type="appointment", subject_id=visit.pk, clinic=visit.clinic_id)
    rows = rows.select_related("rule").defer("rule__draft", "config", "result").order_by("due_at", "pk")
    return [Planned(step, action_label(step.action), step.state in UNDONE) for step in rows[:MOST]]


def _history(visit: Appointment) -> list[Deed]:
    """Read the audit trail of this visit, and of its series for the booking; reading is no deed."""
    rows = AuditEntry.objects.filter(patient_id=visit.patient_id, clinic_id=visit.clinic_id, action__in=DEEDS)
    rows = rows.filter(object_type=LABEL, object_id=str(visit.pk)).order_by("-pk")
    entries = list(rows[:MOST])[::-1]
    if visit.series_id is not None:
        booked = AuditEntry.objects.filter(patient_id=visit.patient_id, action="series.booked")
        entries = [*booked.filter(object_id=str(visit.series_id))[:1], *entries]
    names = _names(visit.clinic_id, entries)
    return [
        Deed(
            what=DEEDS.get(one.action, _("booked in a series")),
            at=one.at,
            by=names.get(one.actor_id) if one.actor_kind == "user" else KINDS.get(one.actor_kind, one.actor_kind),
            why=_why(one.detail),
        )
        for one in entries
    ]


def _why(detail: dict[str, Any]) -> str:
    return " · ".join(str(detail[name]) for name in ("reason", "override_reason", "clash_reason") if detail.get(name))


def _names(clinic_id: int, entries: Iterable[AuditEntry]) -> dict[int | None, str]:
    users = {one.actor_id for one in entries if one.actor_kind == "user" and one.actor_id is not None}
    rows = Membership.objects.filter(clinic_id=clinic_id, user_id__in=users).order_by("-pk")
    return {row.user_id: row.name for row in rows}
