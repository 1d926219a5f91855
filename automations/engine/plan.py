"""Turn a rule that matched into steps: what, for whom, when, until when, and in which state it starts.

One step an enabled action. Its key is "event:rule:action id:role:anchor epoch", so that planning twice, or after an
edit, plans
once. `schedule` alone also re-times a step whose anchor moved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from .declare import Action, Catalog
from .timing import STALE_AFTER, Anchors, due, expires
from .values import ActionSpec, EventFacts, PlannedStep, Reason, Relative, RuleSpec, Timing, WaitFor

Named = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What planning must know besides the rule.

    anchors: anchor key → aware moment or plain date of the subject. happened: triggers already recorded for the same
    subject,
    for wait_for. judged_at: the moment against which a relative step is too late; left out, when the event occurred,
    so that
    an engine that was down for an hour skips no reminder. A re-timing gives the moment of the move. named: what people
    call a trigger or an anchor.
    """

    occurred_at: datetime
    zone: ZoneInfo
    now: datetime
    anchors: Anchors = field(default_factory=dict)
    happened: frozenset[str] = frozenset()
    appointment_starts_at: datetime | None = None
    judged_at: datetime | None = None
    named: Named = str


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a step is due and until when; state is pending, skipped or expired, with the reason of the latter two."""

    due_at: datetime
    not_after: datetime | None
    waiting_for: str | None
    anchor: str | None
    state: str = "pending"
    reason_code: str = ""
    reason_text: str = ""


def step_key(event_id: Any, rule_id: Any, action_id: str, role: str, epoch: int = 0) -> str:
    """Name a step once and for all; the rule counts, not its version."""
    return f"{event_id}:{rule_id}:{action_id}:{role}:{epoch}"


def schedule(action: Action, params: Mapping[str, Any], timing: Timing, situation: Situation) -> Schedule:
    """Work out when a step is due, and whether it is too late for it already."""
    relative = timing if isinstance(timing, Relative) else None
    anchor = relative.anchor if relative else None
    occurred_at = situation.occurred_at.astimezone(UTC)
    try:
        due_at = due(timing, occurred_at, situation.zone, situation.anchors)
    except (OverflowError, ValueError):  # a stored date at an end of the calendar, years 1 and 9999
        text = "Its moment lies beyond the calendar."
        return Schedule(occurred_at, None, None, anchor, "skipped", "no_anchor", text)
    if due_at is None:
        text = f"No date is noted for “{situation.named(anchor or '')}”."
        return Schedule(occurred_at, None, None, anchor, "skipped", "no_anchor", text)
    waiting_for = timing.trigger if isinstance(timing, WaitFor) else None
    if waiting_for in situation.happened:
        due_at, waiting_for = occurred_at, None
    judged_at = (situation.judged_at or occurred_at).astimezone(UTC)
    if relative and due_at < judged_at:
        if relative.if_late == "skip":
            text = f"It was due at {_local(due_at, situation)}, before there was a reason for it."
            return Schedule(due_at, None, None, anchor, "skipped", "too_late", text)
        due_at = judged_at
    not_after = expires(
        timing,
        due_at,
        situation.zone,
        situation.anchors,
        message=action.message,
        appointment_starts_at=situation.appointment_starts_at,
    )
    if action.is_patient_message(params) and situation.now - due_at > STALE_AFTER:
        text = "The patient should have had it over 24 hours ago."
        return Schedule(due_at, not_after, waiting_for, anchor, "expired", "stale_event", text)
    if not_after is not None and not_after <= situation.now:
        text = f"It was of use until {_local(not_after, situation)} only."
        return Schedule(due_at, not_after, waiting_for, anchor, "expired", "too_late", text)
    return Schedule(due_at, not_after, waiting_for, anchor)


def _local(moment: datetime, situation: Situation) -> str:
    """Write a moment down as the clock on the clinic's wall shows it."""
    return f"{moment.astimezone(situation.zone):%Y-%m-%d %H:%M}"


def plan(
    rule_id: Any,
    spec: RuleSpec,
    event_id: Any,
    event: EventFacts,
    catalog: Catalog,
    *,
    now: datetime,
    anchors: Anchors | None = None,
    happened: frozenset[str] = frozenset(),
    appointment_starts_at: datetime | None = None,
    stopped_by: str | None = None,
    hold: Reason | None = None,
    named: Named = str,
) -> tuple[PlannedStep, ...]:
    """Plan the steps of a rule that matched an event.

    stopped_by: a stop event already recorded; the steps are cancelled. hold: why steps wait for a person (review,
    paused). named: what reasons call a trigger or an anchor.
    Raises KeyError for an action that is not declared (any more).
    """
    situation = Situation(
        occurred_at=event.occurred_at,
        zone=event.zone,
        now=now,
        anchors=anchors or {},
        happened=happened,
        appointment_starts_at=appointment_starts_at,
        named=named,
    )
    return tuple(
        _step(rule_id, event_id, action, catalog.actions[action.type], situation, stopped_by, hold)
        for action in spec.actions
        if not action.disabled
    )


def _step(
    rule_id: Any,
    event_id: Any,
    spec: ActionSpec,
    action: Action,
    situation: Situation,
    stopped_by: str | None,
    hold: Reason | None,
) -> PlannedStep:
    role = action.role(spec.params)
    when = schedule(action, spec.params, spec.timing, situation)
    state, reason = when.state, Reason(when.reason_code, when.reason_text)
    if stopped_by is not None:
        state, reason = "cancelled", Reason("stopped", f"“{situation.named(stopped_by)}” came first.")
    elif state == "pending" and hold is not None:
        state, reason = "held", hold
    return PlannedStep(
        action_id=spec.id,
        action=spec.type,
        params=spec.params,
        role=role,
        due_at=when.due_at,
        waiting_for=when.waiting_for,
        not_after=when.not_after,
        anchor=when.anchor,
        state=state,
        reason_code=reason.code,
        reason_text=reason.text,
        key=step_key(event_id, rule_id, spec.id, role),
    )
