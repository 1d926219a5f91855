"""Events that no change of a record made: somebody named them, a date came, or a rule was started for a patient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from automations import stopping
from automations.models import Event
from clinic.changes import current_origin, muted_reason
from clinic.wakeups import wake

SUBJECT = "patient"
LABEL_MAX = 100


@dataclass(frozen=True, slots=True)
class Occasion:
    """One thing that happened to a patient; `name` tells it from every other of its trigger and patient."""

    patient_id: int
    name: str
    occurred_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


def record(clinic_id: int, trigger: str, occasions: Iterable[Occasion], *, rule_id: int | None = None) -> list[Event]:
    """Write the events; the caller holds the patients' locks, in a transaction, and has left out what is recorded.

    With `rule_id` they are for that rule alone, and stop or release nothing.
    """
    muted = muted_reason()
    events = Event.objects.bulk_create(
        [
            Event(
                clinic_id=clinic_id,
                trigger=trigger,
                patient_id=one.patient_id,
                subject_type=SUBJECT,
                subject_id=one.patient_id,
                revision=0,
                occasion=one.name,
                rule_id=rule_id,
                data=dict(one.data),
                occurred_at=one.occurred_at,
                origin=current_origin(),
                muted=muted[:LABEL_MAX],
                state=Event.State.MATCHED if muted else Event.State.NEW,
            )
            for one in occasions
        ]
    )
    if events and rule_id is None:
        stopping.settle(events)
    if events and not muted:
        transaction.on_commit(_wake_engine)
    return events


def _wake_engine() -> None:
    wake("engine")


def unrecorded(trigger: str, occasions: Iterable[Occasion]) -> list[Occasion]:
    """Return those of which there is no event yet."""
    wanted = list(occasions)
    known = set(
        Event.objects.filter(
            trigger=trigger,
            subject_type=SUBJECT,
            subject_id__in={one.patient_id for one in wanted},
            revision=0,
            occasion__in={one.name for one in wanted},
        ).values_list("subject_id", "occasion")
    )
    return [one for one in wanted if (one.patient_id, one.name) not in known]
