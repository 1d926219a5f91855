"""The stream as a plan: which visits there are, and what happens to each, when. Pure, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

BURST_SECONDS = 1.5
ENDS = {
    "cancel": ("cancel",),
    "queued": ("cancel",),
    "taken": ("cancel",),
    "full": ("confirm", "complete"),
    "moved": ("reschedule", "complete"),
    "plain": ("complete",),
}
CANCELS = ("cancel", "cancel", "queued", "taken")
OTHERS = ("full", "moved", "plain")


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit. `lead` is how many seconds after booking its reminder is due.

    kind "cancel": called off around the moment at which the reminder is due; "queued": as soon as the reminder is seen
    to wait for leaving; "taken": as soon as it is seen to be on its way; the others end well.
    """

    number: int
    kind: str
    patient: int
    service: str
    starts: float
    lead: float

    @property
    def external_id(self) -> str:
        """Return the name under which a booking is found again whose answer was lost."""
        return f"visit-{self.number}"

    @property
    def verbs(self) -> tuple[str, ...]:
        """Return what happens after the booking."""
        return ENDS[self.kind]


def kinds(events: int, cancels: int) -> list[str]:
    """Return kinds of visits that make exactly `events` events, `cancels` of them cancels."""
    found = [CANCELS[n % len(CANCELS)] for n in range(cancels)]
    left = events - 2 * cancels
    turn = 0
    while left:
        kind = OTHERS[turn % len(OTHERS)]
        turn += 1
        cost = 1 + len(ENDS[kind])
        if cost <= left and left - cost != 1:
            found.append(kind)
            left -= cost
    return found


def plan(*, events: int, cancels: int, patients: int, seconds: float, seed: int = 20261124) -> list[Visit]:
    """Return the visits in the order in which they are booked, in bursts over `seconds`."""
    chance = Random(seed)
    order = kinds(events, cancels)
    chance.shuffle(order)
    return [
        Visit(
            number=n,
            kind=kind,
            patient=n % patients,
            service="initial" if n % 3 else "again",
            starts=(n / len(order) * seconds) // BURST_SECONDS * BURST_SECONDS,
            lead=chance.uniform(0.4, 2.5),
        )
        for n, kind in enumerate(order)
    ]


def delays(visit: Visit) -> Iterator[tuple[str, float]]:
    """Yield each verb with the seconds after the one before it."""
    chance = Random(visit.number)
    for verb in visit.verbs:
        if visit.kind == "cancel":
            yield verb, max(0.0, visit.lead + chance.uniform(-0.2, 0.6))
        else:
            yield verb, chance.uniform(0.3, 2.0)
