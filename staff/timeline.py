"""What happened to a patient, what will, and what did not and why: events, steps, messages, visits and forms as one.

Every source gives lines; a page of them is put in order here. Nothing in it is a patient's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from appointments.models import Appointment
from automations.engine.declare import catalog
from automations.models import Event, Run, Step
from automations.showing.trace import action_label
from forms_app.models import FormRequest
from messaging import reasons
from messaging.models import Delivery

PAST, UPCOMING, SUPPRESSED = "past", "upcoming", "suppressed"
ENDED_UNDONE = (Step.State.SKIPPED, Step.State.CANCELLED, Step.State.EXPIRED)
NOT_SENT = (Delivery.State.SUPPRESSED, Delivery.State.WITHDRAWN)
TRIED = (Delivery.State.SENT, Delivery.State.FAILED, Delivery.State.UNKNOWN)
COMING = (Appointment.Status.BOOKED, Appointment.Status.CONFIRMED)

STATES: dict[str, Any] = {
    "appointment": Appointment.Status,
    "delivery": Delivery.State,
    "event": Event.State,
    "form": FormRequest.Status,
    "run": Run.Outcome,
    "step": Step.State,
}
KIND_LABELS: dict[str, Any] = {
    "appointment": _("appointment"),
    "delivery": _("message"),
    "event": _("event"),
    "form": _("form"),
    "run": _("rule"),
    "step": _("step"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing on the timeline: when, what kind of row it is and which, in which state, by which rule, and why not."""

    at: datetime
    kind: str
    id: int
    title: str
    state: str
    rule: Any = None
    run_id: int | None = None
    event_id: int | None = None
    step_id: int | None = None
    reason: tuple[str, str] | None = None

    @property
    def kind_label(self) -> Any:
        """Name the kind for people."""
        return KIND_LABELS[self.kind]

    @property
    def state_label(self) -> Any:
        """Name the state for people."""
        return STATES[self.kind](self.state).label


@dataclass(frozen=True, slots=True)
class Timeline:
    """The three parts, past and suppressed newest first, upcoming soonest first. `earlier`: there is more before it."""

    past: list[Line]
    upcoming: list[Line]
    suppressed: list[Line]
    earlier: datetime | None


def timeline(patient: Any, now: datetime, *, limit: int, before: datetime | None = None) -> Timeline:
    """Gather the timeline, `limit` lines of a part or so; `before` (`earlier` of the page before) goes further back.

    What shares a moment stays on one page, so that pages neither repeat nor lose a line. Ten queries, as a rule.
    """
    until = min(before, now) if before else now
    while True:
        past, past_cut = _newest([_events, _steps_done, _deliveries_tried], patient, until, limit)
        undone, undone_cut = _newest([_runs_suppressed, _steps_undone, _deliveries_not_sent], patient, until, limit)
        # Both parts go back together: to where the part ends whose page is full first.
        cut = max((at for at in (past_cut, undone_cut) if at is not None), default=None)
        if cut is not None:
            past, undone = ([line for line in lines if line.at > cut] for lines in (past, undone))
        if cut is None or past or undone:
            return Timeline(past, upcoming(patient, now, limit=limit), undone, cut)
        limit *= 2  # more lines share one moment than a page has room for


def upcoming(
    patient: Any, now: datetime, *, limit: int, until: datetime | None = None, kinds: Sequence[str] = ()
) -> list[Line]:
    """Return what is planned, soonest first: steps, messages that wait, visits, forms that are due (or some `kinds`).

    One query a kind.
    """
    sources = {
        "step": _steps_open,
        "delivery": _deliveries_waiting,
        "appointment": _visits_coming,
        "form": _forms_open,
    }
    lines = [line for kind in kinds or sources for line in sources[kind](patient, now, until, limit)]
    return sorted(lines, key=lambda line: (line.at, line.kind, line.id))[:limit]


def suppressed(patient: Any, now: datetime, *, limit: int) -> list[Line]:
    """Return what did not happen lately, newest first. Three queries."""
    lines, _cut = _newest([_runs_suppressed, _steps_undone, _deliveries_not_sent], patient, now, limit)
    return lines


Source = Callable[[Any, datetime, int], list[Line]]


def _newest(sources: Sequence[Source], patient: Any, until: datetime, limit: int) -> tuple[list[Line], datetime | None]:
    """Merge the newest lines of the sources up to `until`, and say at which moment the first one stands that is left.

    Lines of that moment are not complete.
    """
    lines = [line for source in sources for line in source(patient, until, limit + 1)]
    lines.sort(key=lambda line: (line.at, line.kind, line.id), reverse=True)
    return lines[:limit], lines[limit].at if len(lines) > limit else None


# --- what happened ---


def _events(patient: Any, until: datetime, count: int) -> list[Line]:
    shown = [key for key, trigger in catalog.triggers.items() if not trigger.stop_only]
    rows = Event.objects.filter(patient=patient, trigger__in=shown, occurred_at__lte=until)
    rows = rows.order_by("-occurred_at", "-pk").only("trigger", "occurred_at", "state")[:count]
    return [
        Line(row.occurred_at, "event", row.pk, str(catalog.triggers[row.trigger].label), row.state, event_id=row.pk)
        for row in rows
    ]


def _steps(patient: Any, states: Iterable[str]) -> QuerySet[Step]:
    rows = Step.objects.filter(patient=patient, state__in=list(states)).select_related("rule", "run")
    return rows.defer("rule__draft", "run__verdict", "config", "result")


def _step_line(step: Step, at: datetime, why: bool = False) -> Line:
    reason = (step.reason, step.reason_text or step.reason) if why and step.reason else None
    return Line(
        at,
        "step",
        step.pk,
        action_label(step.action),
        step.state,
        step.rule,
        step.run_id,
        step.run.event_id,
        step.pk,
        reason,
    )


def _steps_done(patient: Any, until: datetime, count: int) -> list[Line]:
    rows = _steps(patient, [Step.State.DONE, Step.State.FAILED]).filter(finished_at__lte=until)
    return [_step_line(s, _ended(s), why=True) for s in rows.order_by("-finished_at", "-pk")[:count]]


def _ended(step: Step) -> datetime:
    return step.finished_at or step.due_at


def _deliveries(patient: Any, states: Iterable[str]) -> QuerySet[Delivery]:
    # Web push says that there is a notification, and that has its own line.
    rows = Delivery.objects.filter(patient=patient, state__in=list(states)).exclude(channel="push")
    rows = rows.select_related("template", "source_step__rule", "source_step__run")
    hidden = ("body_text", "body_html", "context", "source_step__rule__draft", "source_step__run__verdict")
    return rows.defer(*hidden, "source_step__config", "source_step__result")


def _delivery_line(row: Delivery, at: datetime) -> Line:
    step = row.source_step
    reason = (row.reason, reasons.words(row.reason)) if row.reason else None
    rule, run = (step.rule, step.run) if step else (None, None)
    run_id, event_id = (run.pk, run.event_id) if run else (None, None)
    return Line(at, "delivery", row.pk, row.called, row.state, rule, run_id, event_id, row.source_step_id, reason)


def _finished(patient: Any, states: Iterable[str], until: datetime, count: int) -> list[Line]:
    rows = _deliveries(patient, states).filter(finished_at__lte=until).order_by("-finished_at", "-pk")[:count]
    return [_delivery_line(row, row.finished_at or row.created_at) for row in rows]


def _deliveries_tried(patient: Any, until: datetime, count: int) -> list[Line]:
    return _finished(patient, TRIED, until, count)


# --- what did not happen, and why ---


def _runs_suppressed(patient: Any, until: datetime, count: int) -> list[Line]:
    rows = Run.objects.filter(patient=patient, outcome=Run.Outcome.SUPPRESSED, created_at__lte=until)
    rows = rows.select_related("rule").defer("rule__draft", "verdict").order_by("-created_at", "-pk")[:count]
    return [
        Line(
            run.created_at,
            "run",
            run.pk,
            run.rule.name,
            run.outcome,
            run.rule,
            run.pk,
            run.event_id,
            reason=(run.reason, run.reason_text or run.reason),
        )
        for run in rows
    ]


def _steps_undone(patient: Any, until: datetime, count: int) -> list[Line]:
    rows = _steps(patient, ENDED_UNDONE).filter(finished_at__lte=until).order_by("-finished_at", "-pk")[:count]
    return [_step_line(step, _ended(step), why=True) for step in rows]


def _deliveries_not_sent(patient: Any, until: datetime, count: int) -> list[Line]:
    return _finished(patient, NOT_SENT, until, count)


# --- what is planned ---


def _steps_open(patient: Any, now: datetime, until: datetime | None, limit: int) -> list[Line]:
    rows = _steps(patient, Step.OPEN)
    if until is not None:
        rows = rows.filter(due_at__lte=until)
    return [_step_line(step, step.due_at, why=True) for step in rows.order_by("due_at", "pk")[:limit]]


def _deliveries_waiting(patient: Any, now: datetime, until: datetime | None, limit: int) -> list[Line]:
    rows = _deliveries(patient, [*Delivery.WAITING, Delivery.State.SENDING])
    if until is not None:
        rows = rows.filter(not_before__lte=until)
    return [_delivery_line(row, row.not_before) for row in rows.order_by("not_before", "pk")[:limit]]


def _visits_coming(patient: Any, now: datetime, until: datetime | None, limit: int) -> list[Line]:
    rows = Appointment.objects.filter(patient=patient, status__in=COMING, starts_at__gte=now)
    if until is not None:
        rows = rows.filter(starts_at__lte=until)
    rows = rows.select_related("service").order_by("starts_at", "pk")[:limit]
    return [Line(row.starts_at, "appointment", row.pk, row.service.name, row.status) for row in rows]


def _forms_open(patient: Any, now: datetime, until: datetime | None, limit: int) -> list[Line]:
    rows = FormRequest.objects.filter(patient=patient, status__in=FormRequest.OPEN, due_at__isnull=False)
    if until is not None:
        rows = rows.filter(due_at__lte=until)
    rows = rows.select_related("template").order_by("due_at", "pk")[:limit]
    return [
        Line(row.due_at, "form", row.pk, row.template.name, row.status, step_id=row.source_step_id)
        for row in rows
        if row.due_at
    ]
