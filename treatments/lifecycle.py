"""The life-cycle of a plan as a table: which verb leads where, and from where."""

from __future__ import annotations

from dataclasses import dataclass

from treatments.models import TreatmentPlan

Status = TreatmentPlan.Status

RUNNING = frozenset({Status.ACTIVE, Status.PAUSED})
"""The plan was assigned and has not ended."""

OPEN = RUNNING | {Status.DRAFT}
"""The plan can still be changed."""

ENDED = frozenset({Status.COMPLETED, Status.CANCELLED})
"""Nothing leads back from here."""


@dataclass(frozen=True, slots=True)
class Verb:
    """A move: where it leads and the states it may start from."""

    name: str
    to: Status
    sources: frozenset[Status]


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("assign", Status.ACTIVE, frozenset({Status.DRAFT})),
        Verb("pause", Status.PAUSED, frozenset({Status.ACTIVE})),
        Verb("resume", Status.ACTIVE, frozenset({Status.PAUSED})),
        Verb("complete", Status.COMPLETED, RUNNING),
        Verb("cancel", Status.CANCELLED, OPEN),
    )
}


def can_move(current: str, wanted: str) -> bool:
    """Tell whether a verb leads from one state to another."""
    return any(verb.to == wanted and current in verb.sources for verb in VERBS.values())
