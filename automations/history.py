"""What else is already recorded about the subjects of a batch: stop events that came first, triggers waited for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import Q

from automations.compiled import CompiledRule
from automations.engine.values import WaitFor
from automations.models import Event
from automations.stopping import concerns

SUBJECT, PATIENT = ":subject", ":patient"


class Recorded(NamedTuple):
    """An event that is there already: what happened, and what it carries."""

    pk: int
    trigger: str
    data: Mapping[str, Any]


class History:
    """Read once, for the events of a batch, the recorded events that stop or release their steps."""

    def __init__(self, events: Sequence[Event], rules: Sequence[CompiledRule]) -> None:
        self._of_subject: dict[tuple[str, int], list[Recorded]] = {}
        self._of_patient: dict[int, list[Recorded]] = {}
        if events:
            self._read(events, {stop for rule in rules for stop in rule.stops}, waits(rules))

    def _read(self, events: Sequence[Event], stops: set[str], waits: set[str]) -> None:
        own = {stop.removesuffix(SUBJECT) for stop in stops if stop.endswith(SUBJECT)} | waits
        whole = {stop.removesuffix(PATIENT) for stop in stops if stop.endswith(PATIENT)}
        wanted = Q(subject_id__in={e.subject_id for e in events}, trigger__in=own)
        wanted &= Q(subject_type__in={e.subject_type for e in events})
        first = min(event.pk for event in events)
        wanted |= Q(patient_id__in={e.patient_id for e in events}, trigger__in=whole, pk__gt=first)
        rows = Event.objects.filter(wanted, rule__isnull=True).order_by("pk")
        for kind, subject, patient, *recorded in rows.values_list(
            "subject_type", "subject_id", "patient_id", "pk", "trigger", "data"
        ):
            one = Recorded(*recorded)
            self._of_subject.setdefault((kind, subject), []).append(one)
            self._of_patient.setdefault(patient, []).append(one)

    def happened(self, event: Event, rule: CompiledRule) -> frozenset[str]:
        """Return the triggers of what is recorded for the event's subject and counts for a step that waits for it."""
        recorded = self._of_subject.get((event.subject_type, event.subject_id), ())
        return frozenset(one.trigger for one in recorded if concerns(one.trigger, rule.version_id, one.data))

    def stopped_by(self, event: Event, rule: CompiledRule) -> str | None:
        """Return the stop key that was recorded after the event and before its match, if there is one."""
        of_subject = self._of_subject.get((event.subject_type, event.subject_id), ())
        for scope, recorded in ((SUBJECT, of_subject), (PATIENT, self._of_patient.get(event.patient_id, ()))):
            for one in recorded:
                named = one.pk > event.pk and one.trigger + scope in rule.stops
                if named and concerns(one.trigger, rule.version_id, one.data):
                    return one.trigger
        return None


def waits(rules: Iterable[CompiledRule]) -> set[str]:
    """Return the triggers that steps of these rules wait for."""
    timings = (action.timing for rule in rules for action in rule.spec.actions)
    return {timing.trigger for timing in timings if isinstance(timing, WaitFor)}
