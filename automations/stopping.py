"""What a committed transition does to steps already planned: stop them, end their wait, move their time.

Runs in the writer's transaction, under the patient's lock, so that no step runs while its reason is going away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Max, Q, QuerySet

from automations.anchors import begins_at, read_anchors
from automations.compiled import spec_of
from automations.engine.declare import Action, catalog
from automations.engine.plan import Schedule, Situation, schedule, step_key
from automations.engine.values import ActionSpec, Relative
from automations.models import Event, Step
from clinic.changes import Change
from clinic.clock import now

WITHDRAWABLE = timedelta(days=14)
"""How long after its step a message may still wait to leave (quiet hours, closed days, caps, retries)."""


def stop_for(events: Sequence[Event]) -> int:
    """Cancel the open steps that these events stop, and take back what their done steps have not sent yet."""
    touched = Q()
    for key, group in _by_trigger(events).items():
        subjects = {(e.subject_type, e.subject_id) for e in group}
        for kind in {kind for kind, _ in subjects}:
            ids = [pk for of, pk in subjects if of == kind]
            touched |= Q(subject_type=kind, subject_id__in=ids, stop_on__contains=[f"{key}:subject"])
        touched |= Q(patient_id__in={e.patient_id for e in group}, stop_on__contains=[f"{key}:patient"])
    if not touched:
        return 0
    recent = Q(state=Step.State.DONE, finished_at__gte=now() - WITHDRAWABLE, action__in=withdrawable_actions())
    rows = Step.objects.filter(touched).filter(Q(state__in=Step.OPEN) | recent).values_list("pk", "action", "state")
    stopped = list(rows)
    text = ", ".join(sorted({event.trigger for event in events}))
    return close(stopped, "stopped", f"Stopped by {text}.")


def close(rows: Iterable[tuple[int, str, str]], reason: str, text: str) -> int:
    """Cancel open steps (given as id, action, state) and withdraw what done ones left unsent; return how many."""
    rows = list(rows)
    open_ids = [pk for pk, _, state in rows if state in Step.OPEN]
    if open_ids:
        Step.objects.filter(pk__in=open_ids).update(
            state=Step.State.CANCELLED, reason=reason, reason_text=text[:500], finished_at=now(), lease_until=None
        )
    done: dict[str, list[int]] = {}
    for pk, action, state in rows:
        if state == Step.State.DONE:
            done.setdefault(action, []).append(pk)
    for action in sorted(done):
        catalog.actions[action].withdraw(done[action])
    return len(open_ids)


def withdrawable_actions() -> list[str]:
    """Return the actions that know how to take something back."""
    return [key for key, action in catalog.actions.items() if type(action).withdraw is not Action.withdraw]


def release_waits(events: Sequence[Event]) -> None:
    """Make due the steps that waited for these events of their own subject."""
    for key, group in _by_trigger(events).items():
        for kind in {event.subject_type for event in group}:
            ids = [event.subject_id for event in group if event.subject_type == kind]
            waiting = Step.objects.filter(subject_type=kind, subject_id__in=ids, waiting_for=key, state__in=Step.OPEN)
            waiting.update(waiting_for="", due_at=now())


def _by_trigger(events: Iterable[Event]) -> dict[str, list[Event]]:
    groups: dict[str, list[Event]] = {}
    for event in events:
        groups.setdefault(event.trigger, []).append(event)
    return groups


def retime(model: Any, changes: Sequence[Change]) -> None:
    """Move the steps that hang on an anchor of these records that has moved."""
    label = model._meta.label
    for anchor in catalog.anchors.values():
        if catalog.subjects[anchor.subject].model != label or anchor.field not in model.watched:
            continue
        moved = [change.instance.pk for change in changes if change.moved(anchor.field)]
        if moved:
            hanging = Step.objects.filter(subject_type=anchor.subject, subject_id__in=moved, anchor=anchor.key)
            _retime(hanging)


def _retime(hanging: QuerySet[Step]) -> None:
    newest = hanging.values("run_id", "action_id").annotate(newest=Max("pk")).values("newest")
    movable = (*Step.OPEN, Step.State.DONE, Step.State.SKIPPED, Step.State.EXPIRED)
    steps = list(
        Step.objects.filter(pk__in=newest, state__in=movable).select_related("run__event", "clinic").order_by("pk")
    )
    values = read_anchors((step.subject_type, step.subject_id) for step in steps)
    fresh = []
    for step in steps:
        spec = spec_of(step.run.version_id)
        action = None if isinstance(spec, str) else next((a for a in spec.actions if a.id == step.action_id), None)
        if action is None or not isinstance(action.timing, Relative):
            continue
        when = _schedule(step, action, values.get((step.subject_type, step.subject_id), {}))
        if step.state in Step.OPEN:
            _move(step, when)
        elif when.state == "pending" and when.due_at > now():
            fresh.append(_anew(step, when))
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
    kept = ("config", "role", "anchor", "stop_on", "recheck")
    return Step(
        **{name: getattr(step, name) for name in (*copied, *kept)},
        due_at=when.due_at,
        not_after=when.not_after,
        epoch=epoch,
        key=step_key(step.run.event_id, step.rule_id, step.action_id, step.role, epoch),
    )
