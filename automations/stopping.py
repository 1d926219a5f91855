"""What a committed transition does to steps already planned: stop them, end their wait; retiming.py moves their time.

Runs in the writer's transaction, under the patient's lock, so that no step runs while its reason is going away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q, QuerySet

from automations.compiled import spec_of
from automations.engine.declare import Action, Trigger, catalog
from automations.engine.values import ActionSpec
from automations.models import Event, Step
from automations.naming import in_english
from clinic.clock import now
from clinic.db import lock_patients

WITHDRAWABLE = timedelta(days=14)
"""How long after its step a message may still wait to leave (quiet hours, closed days, caps, retries)."""


def settle(events: Sequence[Event]) -> None:
    """Stop the steps that these events stop, and make due those that waited for them.

    One look at the steps of the subjects and patients concerned; in the usual case there is nothing to do.
    """
    rows = _touched(events)
    if not rows:
        return
    wakers = _Told([event for event in events if not event.muted])
    released = [row.pk for row in rows if row.state in Step.OPEN and wakers.wake(row)]
    if released:
        Step.objects.filter(pk__in=released).update(waiting_for="", due_at=now())
    told = _Told(events)
    stopped = [(row.pk, row.action, row.state) for row in rows if told.stops(row)]
    text = ", ".join(sorted({in_english(event.trigger) for event in events}))
    close(stopped, "stopped", f"Stopped by: {text}.")


class Touched(NamedTuple):
    """What deciding about a step takes."""

    pk: int
    patient_id: int
    subject_type: str
    subject_id: int
    action: str
    state: str
    waiting_for: str
    stop_on: list[str]
    version_id: int | None


TOUCHED = """
SELECT id, patient_id, subject_type, subject_id, action, state, waiting_for, stop_on,
       (SELECT version_id FROM automations_run WHERE id = run_id) FROM automations_step
 WHERE (((subject_type, subject_id) IN (SELECT * FROM unnest(%(kinds)s::text[], %(ids)s::bigint[]))
         AND (stop_on && %(own)s::varchar[] OR waiting_for = ANY(%(waits)s::text[])))
        OR (patient_id = ANY(%(patients)s::bigint[]) AND stop_on && %(whole)s::varchar[]))
   AND (state IN ('pending', 'held')
        OR (state = 'done' AND finished_at >= %(recent)s AND action = ANY(%(withdrawable)s::text[])))
"""


def _touched(events: Sequence[Event]) -> list[Touched]:
    subjects = sorted({(event.subject_type, event.subject_id) for event in events})
    keys = sorted({event.trigger for event in events})
    with connection.cursor() as cursor:
        cursor.execute(
            TOUCHED,
            {
                "kinds": [kind for kind, _ in subjects],
                "ids": [pk for _, pk in subjects],
                "own": [f"{key}:subject" for key in keys],
                "waits": keys,
                "patients": sorted({event.patient_id for event in events}),
                "whole": [f"{key}:patient" for key in keys],
                "recent": max(event.occurred_at for event in events) - WITHDRAWABLE,
                "withdrawable": withdrawable_actions(),
            },
        )
        return [Touched(*row) for row in cursor.fetchall()]


class _Told:
    """What these events carry, by subject and by patient."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._of_subject: dict[tuple[str, int, str], list[Mapping[str, Any]]] = {}
        self._of_patient: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
        for event in events:
            own = (event.subject_type, event.subject_id, event.trigger)
            self._of_subject.setdefault(own, []).append(event.data)
            self._of_patient.setdefault((event.patient_id, event.trigger), []).append(event.data)

    def wake(self, row: Touched) -> bool:
        """Tell whether a step waits for one of the events."""
        carried = self._of_subject.get((row.subject_type, row.subject_id, row.waiting_for), ())
        return any(concerns(row.waiting_for, row.version_id, data) for data in carried)

    def stops(self, row: Touched) -> bool:
        """Tell whether one of the events stops a step."""
        for stop in row.stop_on:
            key, _, scope = stop.rpartition(":")
            if scope == "subject":
                carried = self._of_subject.get((row.subject_type, row.subject_id, key), ())
            else:
                carried = self._of_patient.get((row.patient_id, key), ())
            if any(concerns(key, row.version_id, data) for data in carried):
                return True
        return False


def concerns(key: str, version_id: int | None, data: Mapping[str, Any]) -> bool:
    """Tell whether an event of trigger `key` with this data counts for a version of a rule that names it: as what
    stops its steps, or as what one of them waits for."""
    trigger = catalog.triggers[key]
    if type(trigger).stops is Trigger.stops:
        return True
    spec = spec_of(version_id)
    return isinstance(spec, str) or trigger.stops(spec.trigger_config, data)


_closings = [0]


def closings() -> int:
    """Count how often this process closed open steps: whoever holds some looks again when it has grown."""
    return _closings[0]


def close(rows: Iterable[tuple[int, str, str]], reason: str, text: str) -> int:
    """Cancel open steps (given as id, action, state) and withdraw what done ones left unsent; return how many."""
    rows = list(rows)
    open_ids = [pk for pk, _, state in rows if state in Step.OPEN]
    if open_ids:
        _closings[0] += 1
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


def stop_rule(patient_id: int, slug: str, *, by: int) -> int:
    """Stop what a rule of the patient's clinic plans for the patient but the step `by` itself; return how many steps.

    The caller holds the patient's lock.
    """
    steps = Step.objects.filter(patient_id=patient_id, rule__slug=slug).exclude(pk=by)
    return close(steps.filter(_stoppable()).values_list("pk", "action", "state"), "stopped", "Stopped by a rule.")


def stop_all(rule_id: int, text: str) -> int:
    """Stop everything that a rule plans, and withdraw what it has not sent; return how many steps.

    Locks the patients concerned: those with an open step, and those to whom something is still on its way.
    """
    steps = Step.objects.filter(rule_id=rule_id).order_by()
    lock_patients([*_open_patients(steps), *_waiting_patients(steps)])
    return close(steps.filter(_stoppable()).values_list("pk", "action", "state"), "stopped", text)


def _stoppable() -> Q:
    recent = Q(state=Step.State.DONE, finished_at__gte=now() - WITHDRAWABLE, action__in=withdrawable_actions())
    return Q(state__in=Step.OPEN) | recent


def _open_patients(steps: QuerySet[Step]) -> list[int]:
    return list(steps.filter(state__in=Step.OPEN).values_list("patient_id", flat=True).distinct())


def _waiting_patients(steps: QuerySet[Step]) -> set[int]:
    done: dict[str, dict[int, int]] = {}
    rows = steps.filter(_stoppable(), state=Step.State.DONE)
    for pk, action, patient_id in rows.values_list("pk", "action", "patient_id"):
        done.setdefault(action, {})[pk] = patient_id
    return {patients[pk] for action, patients in done.items() for pk in catalog.actions[action].unsent(list(patients))}


def withdrawable_actions() -> list[str]:
    """Return the actions that know how to take something back."""
    return [key for key, action in catalog.actions.items() if type(action).withdraw is not Action.withdraw]


def planned_action(step: Step) -> ActionSpec | None:
    """Return the wording that planned a step, its timing that is; None if it cannot be read."""
    spec = spec_of(step.run.version_id)
    return None if isinstance(spec, str) else next((a for a in spec.actions if a.id == step.action_id), None)
