"""Load claimed steps with all that performing them needs, the patients locked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.utils.translation import gettext

from automations.anchors import AnchorValues, SubjectKey, begins_at, read_anchors
from automations.compiled import spec_of
from automations.engine.declare import catalog
from automations.engine.timing import QuietHours, release_at
from automations.engine.values import ActionSpec, Immediately, Reason, RuleSpec, StepContext, WaitFor
from automations.facts import read_patients
from automations.models import Rule, Step
from automations.recheck import patient_asks
from automations.stopping import planned_action
from clinic.clock import now

TASK_ACTION = "create_task"


@dataclass(frozen=True, slots=True)
class Duty:
    """A due step: its row, what it was told to do, and the patient's facts as they are now."""

    step: Step
    patient: Any
    spec: RuleSpec | None
    action: ActionSpec | None
    problem: str
    context: StepContext
    fresh: Mapping[str, Any]


def load(claimed: Mapping[int, int]) -> tuple[list[Duty], list[int]]:
    """Return the duties whose patients could be locked, in due order, and the ids of those held by somebody else.

    A step that is no longer ours (its lease ran out and another worker took it, or it was stopped) is left out.
    """
    patients = {p.pk: p for p in _lock_patients(list(claimed))}
    rows = (
        Step.objects.filter(pk__in=claimed, state=Step.State.PENDING)
        .select_related("run__event")
        .defer("config", "key", "result", "run__verdict")
        .order_by("due_at", "pk")
    )
    ours: list[Step] = []
    busy: list[int] = []
    for step in rows:
        if step.attempts != claimed[step.pk]:
            continue
        if step.patient_id in patients:
            ours.append(step)
        else:
            busy.append(step.pk)
    return duties_of(ours, patients), busy


@dataclass(frozen=True, slots=True)
class Known:
    """What has been read already in the transaction that holds the patients' locks: the moment, clinics, anchors."""

    moment: datetime
    clinics: Mapping[int, Any]
    anchors: Mapping[SubjectKey, AnchorValues]


def duties_of(steps: list[Step], patients: Mapping[int, Any], known: Known | None = None) -> list[Duty]:
    """Return what performing these steps needs; each step's run and event are loaded, its patient locked."""
    if known is None:
        clinics = apps.get_model("accounts", "Clinic").objects.in_bulk({step.clinic_id for step in steps})
        known = Known(now(), clinics, read_anchors((step.subject_type, step.subject_id) for step in steps))
    _attach(steps, known.clinics)
    return _duties(steps, patients, known)


def _attach(steps: list[Step], clinics: Mapping[int, Any]) -> None:
    """Give the steps their few rules and clinics, each read once."""
    rules = Rule.objects.only("name", "mode", "error_streak", "clinic_id").in_bulk({step.rule_id for step in steps})
    for step in steps:
        step.rule, step.clinic = rules[step.rule_id], clinics[step.clinic_id]


def _lock_patients(steps: list[int]) -> list[Any]:
    manager = apps.get_model("patients", "Patient")._base_manager
    wanted = Step.objects.filter(pk__in=steps).order_by().values("patient_id")
    rows = manager.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True, skip_locked=True)
    return list(rows)


def _duties(steps: list[Step], patients: Mapping[int, Any], known: Known) -> list[Duty]:
    told = {step.pk: _told(step) for step in steps}
    fresh = _fresh(steps, told, known.moment)
    duties = []
    for step in steps:
        spec, action, problem = told[step.pk]
        patient = patients[step.patient_id]
        begins = begins_at(step.subject_type, known.anchors.get((step.subject_type, step.subject_id), {}))
        context = _context(step, patient, action, known.moment, begins)
        duties.append(Duty(step, patient, spec, action, problem, context, fresh.get(step.pk, {})))
    return duties


def _told(step: Step) -> tuple[RuleSpec | None, ActionSpec | None, str]:
    """Return the pinned wording of the step's action, or why it cannot be used."""
    spec = spec_of(step.wording_id)
    if isinstance(spec, str):
        return None, None, spec
    action = next((a for a in spec.actions if a.id == step.action_id), None)
    return spec, action, "" if action else f"Version has no action {step.action_id}."


def _fresh(steps: list[Step], told: Mapping[int, Any], moment: datetime) -> dict[int, dict[str, Any]]:
    """Read the patient facts that re-checks and only-ifs ask for, one query for each set of facts."""
    groups: dict[tuple[int | None, str], list[Step]] = {}
    for step in steps:
        if told[step.pk][1] is not None:
            groups.setdefault((step.wording_id, step.action_id), []).append(step)
    found = {}
    for members in groups.values():
        spec, action, _ = told[members[0].pk]
        asks = patient_asks(spec.conditions if members[0].recheck else None, action.only_if)
        if asks:
            values = read_patients([step.patient_id for step in members], asks, moment)
            found.update({step.pk: values[step.patient_id] for step in members})
    return found


def _context(
    step: Step, patient: Any, action: ActionSpec | None, moment: datetime, begins: datetime | None
) -> StepContext:
    event = step.run.event
    params = dict(action.params) if action else {}
    context = StepContext(
        id=step.pk,
        clinic_id=step.clinic_id,
        patient_id=step.patient_id,
        subject_type=step.subject_type,
        subject_id=step.subject_id,
        event_id=event.pk,
        trigger=event.trigger,
        occurred_at=event.occurred_at,
        rule_id=step.rule_id,
        rule_name=step.rule.name,
        action_id=step.action_id,
        action=step.action,
        params=params,
        role=step.role,
        due_at=step.due_at,
        now=moment,
        zone=step.clinic.time_zone,
        not_after=step.not_after,
        not_before=moment,
        depth=event.depth,
        put_off=step.reason,
        event_data=event.data,
        facts=event.facts,
    )
    if action is None:
        return context
    planned = planned_action(step) if step.waiting_for else None
    if planned and isinstance(planned.timing, WaitFor) and planned.timing.otherwise == "task":
        return _as_task(context, step)
    if step.action in catalog.actions and catalog.actions[step.action].is_patient_message(params):
        return replace(context, not_before=not_before(step, patient, action, moment, begins))
    return context


def not_before(step: Step, patient: Any, action: ActionSpec, moment: datetime, begins: datetime | None) -> datetime:
    """Return when a patient message may leave: after the undo time, outside quiet hours and closed days."""
    event, clinic = step.run.event, step.clinic
    earliest = moment
    if event.origin == "session" and isinstance(action.timing, Immediately):
        earliest = max(moment, event.created_at + timedelta(seconds=clinic.undo_seconds))
    quiet = QuietHours(clinic.quiet_start, clinic.quiet_end, frozenset(clinic.closed_weekdays))
    zone = ZoneInfo(patient.time_zone or clinic.time_zone)
    return release_at(earliest, quiet, zone, not_after=step.not_after, appointment_starts_at=begins)


def _as_task(context: StepContext, step: Step) -> StepContext:
    """Turn a step whose wait ended in vain into the specialist's task."""
    title = gettext("Waited in vain: %(rule)s") % {"rule": context.rule_name}
    details = gettext("“%(trigger)s” did not happen in time, so “%(action)s” was not carried out.") % {
        "trigger": catalog.triggers[step.waiting_for].label,
        "action": catalog.actions[step.action].label,
    }
    params = {
        "title": title[:200],
        "details": details,
        "assign_to": "specialist",
        "due_in_days": None,
        "priority": None,
    }
    offered = {p.name: p.default for p in catalog.actions[TASK_ACTION].params}
    filled = {**offered, **{key: value for key, value in params.items() if value is not None}}
    reason = Reason("too_late", str(details))
    return replace(context, action=TASK_ACTION, params=filled, role="specialist", reason=reason)
