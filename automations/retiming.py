"""What a date that moves does to the steps that hang on it: another time, another last moment.

Runs in the writer's transaction, under the patient's lock, as stopping.py does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Max, Q, QuerySet

from automations.anchors import begins_at, read_anchors
from automations.duties import not_before
from automations.engine.declare import catalog
from automations.engine.plan import Schedule, Situation, schedule, step_key
from automations.engine.timing import MESSAGE_LIFE, expires
from automations.engine.values import ActionSpec, Relative
from automations.models import Step
from automations.naming import in_english
from automations.stopping import WITHDRAWABLE, close, planned_action
from clinic.changes import Change
from clinic.clock import now


def retime(model: Any, changes: Sequence[Change]) -> None:
    """Move the steps that hang on an anchor of these records that has moved."""
    label = model._meta.label
    for anchor in catalog.anchors.values():
        if catalog.subjects[anchor.subject].model != label or anchor.field not in model.watched:
            continue
        moved = {change.instance.pk: change.old[anchor.field] for change in changes if change.moved(anchor.field)}
        if moved:
            of_subject = Step.objects.filter(subject_type=anchor.subject, subject_id__in=moved)
            _retime(of_subject.filter(anchor=anchor.key))
            if anchor.begins:
                _relimit(of_subject, moved)


def _relimit(of_subject: QuerySet[Step], begun: Mapping[int, datetime | None]) -> None:
    """Give the messages about a visit that moved, planned or waiting to leave, their new last moment.

    `begun`: when each began before it moved. What was to come before the visit then is of no use after it now.
    How long quiet hours hold what waits is worked out anew: past the new last moment it would be useless.
    """
    recent = Q(state=Step.State.DONE, finished_at__gte=now() - WITHDRAWABLE)
    concerned = of_subject.filter(Q(state__in=Step.OPEN) | recent, not_after__isnull=False)
    steps = list(concerned.select_related("run__event", "clinic", "patient"))
    values = read_anchors((step.subject_type, step.subject_id) for step in steps)
    waiting: dict[str, dict[int, tuple[datetime, datetime | None]]] = {}
    for step in steps:
        action = planned_action(step)
        if action is None:
            continue
        anchors = values.get((step.subject_type, step.subject_id), {})
        begins = begins_at(step.subject_type, anchors)
        zone = ZoneInfo(step.clinic.time_zone)
        message = catalog.actions[action.type].message
        limit = expires(action.timing, step.due_at, zone, anchors, message=message, appointment_starts_at=begins)
        if begins is not None and step.due_at >= begins and _was_before(step, begun[step.subject_id]):
            limit = begins  # it was of use before the visit, which now comes first
        Step.objects.filter(pk=step.pk).update(not_after=limit)
        step.not_after = limit
        if step.state == Step.State.DONE:
            waiting.setdefault(step.action, {})[step.pk] = (_leaves_at(step, action, begins), limit)
    for key, limits in waiting.items():
        catalog.actions[key].limit(limits)


def _was_before(step: Step, begun: datetime | None) -> bool:
    """Tell whether a step was to come before its visit: now, or before an earlier move (its limit still says so)."""
    limited = step.not_after is not None and step.not_after < step.due_at + MESSAGE_LIFE
    return limited or (begun is not None and begun > step.due_at)


def _leaves_at(step: Step, action: ActionSpec, begins: datetime | None) -> datetime:
    moment = now()
    if not catalog.actions[step.action].is_patient_message(action.params):
        return moment
    return not_before(step, step.patient, action, moment, begins)


def _retime(hanging: QuerySet[Step]) -> None:
    newest = hanging.values("run_id", "action_id").annotate(newest=Max("pk")).values("newest")
    movable = (*Step.OPEN, Step.State.DONE, Step.State.SKIPPED, Step.State.EXPIRED)
    steps = list(
        Step.objects.filter(pk__in=newest, state__in=movable).select_related("run__event", "clinic").order_by("pk")
    )
    values = read_anchors((step.subject_type, step.subject_id) for step in steps)
    fresh, overtaken = [], []
    for step in steps:
        action = planned_action(step)
        if action is None or not isinstance(action.timing, Relative):
            continue
        when = _schedule(step, action, values.get((step.subject_type, step.subject_id), {}))
        if step.state in Step.OPEN:
            _move(step, when)
            continue
        ahead = when.state == "pending" and when.due_at > now()
        if ahead:
            fresh.append(_anew(step, when))
        if ahead or when.state != "pending":  # what the old time made it send, and has not left, is of no use now
            overtaken.append((step.pk, step.action, step.state))
    close(overtaken, "", "")
    Step.objects.bulk_create(fresh)


def _schedule(step: Step, action: ActionSpec, anchors: dict[str, Any]) -> Schedule:
    moment = now()
    situation = Situation(
        occurred_at=step.run.event.occurred_at,
        zone=ZoneInfo(step.clinic.time_zone),
        now=moment,
        anchors=anchors,
        appointment_starts_at=begins_at(step.subject_type, anchors),
        judged_at=moment,
        named=in_english,
    )
    return schedule(catalog.actions[action.type], action.params, action.timing, situation)


def _move(step: Step, when: Schedule) -> None:
    """Give an open step its new time; too near, it ends as its `if_late` says."""
    values: dict[str, Any] = {"due_at": when.due_at, "not_after": when.not_after}
    if when.state != "pending":
        values |= {
            "state": when.state,
            "reason": when.reason_code,
            "reason_text": when.reason_text,
            "finished_at": now(),
        }
    Step.objects.filter(pk=step.pk).update(**values)


def _anew(step: Step, when: Schedule) -> Step:
    """Plan a step again that has run (or was too late) for the old time: same action, next epoch."""
    epoch = step.epoch + 1
    copied = ("clinic_id", "run_id", "rule_id", "patient_id", "subject_type", "subject_id", "action_id", "action")
    kept = ("version_id", "config", "role", "anchor", "stop_on", "recheck")
    return Step(
        **{name: getattr(step, name) for name in (*copied, *kept)},
        due_at=when.due_at,
        not_after=when.not_after,
        epoch=epoch,
        key=step_key(step.run.event_id, step.rule_id, step.action_id, step.role, epoch),
    )
