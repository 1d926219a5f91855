"""The life-cycle of an appointment as a table: which verb leads where, and from where."""

from __future__ import annotations

from dataclasses import dataclass

from appointments.models import Appointment

Status = Appointment.Status

OPEN = frozenset({Status.BOOKED, Status.CONFIRMED, Status.IN_PROGRESS})
"""The visit still lies ahead or goes on."""

UPCOMING = frozenset({Status.BOOKED, Status.CONFIRMED})
"""The visit has not begun: it can be moved."""

FINISHED = frozenset({Status.COMPLETED, Status.CANCELLED, Status.NO_SHOW})
"""The visit is over, one way or another; only a correction leads back."""

NOT_COUNTED = (Status.CANCELLED, Status.ENTERED_IN_ERROR)
"""Appointments that no count and no "last visit" knows of, unless a rule asks for them by name."""


@dataclass(frozen=True, slots=True)
class Verb:
    """A move: where it leads and the states it may start from (skipping some of the way is allowed)."""

    name: str
    to: Status
    sources: frozenset[Status]


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("confirm", Status.CONFIRMED, frozenset({Status.BOOKED})),
        Verb("start", Status.IN_PROGRESS, UPCOMING),
        Verb("complete", Status.COMPLETED, OPEN),
        Verb("cancel", Status.CANCELLED, OPEN),
        Verb("no_show", Status.NO_SHOW, UPCOMING),
        Verb("enter_in_error", Status.ENTERED_IN_ERROR, OPEN | FINISHED),
    )
}

REOPENED_AS = UPCOMING
"""The states that a correction may lead back to."""


def verb_to(status: str) -> Verb | None:
    """Return the verb that leads to a state; None for booked, which only booking and reopening lead to."""
    return next((verb for verb in VERBS.values() if verb.to == status), None)


def can_move(current: str, wanted: str) -> bool:
    """Tell whether the life-cycle leads from one state to another without a correction."""
    verb = verb_to(wanted)
    return verb is not None and current in verb.sources
