"""The one place where changed records become events; stops, waits and re-times steps in the writer's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction

from automations import retiming, stopping
from automations.discovery import watchers
from automations.engine.declare import Trigger, catalog
from automations.facts import snapshot_json
from automations.models import Event, Step
from clinic.changes import Change
from clinic.wakeups import wake

LABEL_MAX = 100


def on_records_changed(sender: Any, changes: Sequence[Change], **_: Any) -> None:
    """Write the events of committed transitions; the sender holds the patients' locks.

    A silent write records no new work: only, for an existing record, the fact that a stop key happened, so that an
    event still waiting to be matched is not answered as if it had not. What a change ends comes before what it
    begins: a plan that is completed stops what was planned for it, and not what its completion starts.
    """
    triggers = sorted(watchers(sender._meta.label), key=lambda trigger: not trigger.stop_only)
    fired = [(trigger, change) for change in changes for trigger in triggers if trigger.fires(change)]
    told = [(trigger, change) for trigger, change in fired if not (change.muted and change.created)]
    if told:
        depths = _depths({c.caused_by_id for _, c in told if c.caused_by_id and not c.muted})
        events = Event.objects.bulk_create([_event(trigger, change, depths) for trigger, change in told])
        stopping.settle(events)
        if any(event.state == Event.State.NEW for event in events):
            transaction.on_commit(_wake_engine)
    retiming.retime(sender, changes)


def _wake_engine() -> None:
    wake("engine")


def _event(trigger: Trigger, change: Change, depths: dict[int, int]) -> Event:
    instance = change.instance
    data: dict[str, Any] = {"new": snapshot_json(trigger.snapshot(change)), **trigger.data(change)}
    moved = {name: value for name, value in change.old.items() if value != change.new[name]}
    if moved and (kept := set(data["new"]) & set(moved)):
        data["old"] = snapshot_json({name: moved[name] for name in kept})
    quiet = bool(change.muted) or trigger.stop_only
    return Event(
        clinic_id=instance.clinic_id,
        trigger=trigger.key,
        patient_id=instance.patient_key(),
        subject_type=trigger.subject,
        subject_id=trigger.subject_id(change),
        occasion="" if trigger.model == catalog.subjects[trigger.subject].model else str(instance.pk),
        revision=instance.revision,
        data=data,
        occurred_at=change.occurred_at,
        origin=change.origin,
        muted=change.muted[:LABEL_MAX],
        caused_by_id=None if change.muted else change.caused_by_id,
        depth=depths.get(change.caused_by_id or 0, 0),
        state=Event.State.MATCHED if quiet else Event.State.NEW,
    )


def _depths(steps: Iterable[int]) -> dict[int, int]:
    """Return for each causing step the depth of what it causes: one below the event that its run answered."""
    wanted = list(steps)
    if not wanted:
        return {}
    rows = Step.objects.filter(pk__in=wanted).values_list("pk", "run__event__depth")
    return {pk: depth + 1 for pk, depth in rows}
