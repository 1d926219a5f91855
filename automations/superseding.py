"""When a newer event of the same subject makes void what a rule planned, and has not sent, for an earlier one."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from automations import stopping
from automations.engine.declare import catalog
from automations.models import Event, Run, Step
from clinic.clock import now

Key = tuple[int, str, int]


def supersede(answered: Sequence[tuple[Run, Event]]) -> set[int]:
    """Close what the rules of these matched runs did for earlier events; return the ids of the steps that were open.

    Of several runs in one batch the newest counts. The patients are locked.
    """
    newest: dict[Key, Run] = {}
    for run, event in answered:
        if run.outcome == Run.Outcome.MATCHED and catalog.triggers[event.trigger].supersedes:
            newest[run.rule_id, event.subject_type, event.subject_id] = run
    if not newest:
        return set()
    recent = Q(state=Step.State.DONE, finished_at__gte=now() - stopping.WITHDRAWABLE)
    older = Step.objects.filter(
        Q(state__in=Step.OPEN) | recent,
        rule_id__in={key[0] for key in newest},
        subject_type__in={key[1] for key in newest},
        subject_id__in={key[2] for key in newest},
    ).exclude(run__in=newest.values())
    rows = [
        (pk, action, state)
        for pk, action, state, *key in older.values_list(
            "pk", "action", "state", "rule_id", "subject_type", "subject_id"
        )
        if tuple(key) in newest
    ]
    stopping.close(rows, "stopped", "A newer event of the same kind took its place.")
    return {pk for pk, _action, state in rows if state in Step.OPEN}
