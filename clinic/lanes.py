"""The lanes of due work: apps register theirs, `manage.py tick` and the clock walker drain them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lane:
    """A kind of due work. `drain` does all that is due and returns how many rows it dealt with.

    `busy` tells whether another process is in the middle of such work, so that the clock must not be moved under it.
    """

    name: str
    drain: Callable[[], int]
    next_due: Callable[[], datetime | None]
    busy: Callable[[], bool] = lambda: False


_lanes: dict[str, Lane] = {}


def register_lane(
    name: str,
    drain: Callable[[], int],
    next_due: Callable[[], datetime | None],
    busy: Callable[[], bool] = lambda: False,
) -> None:
    """Add a lane (from `AppConfig.ready`). `next_due` returns the earliest moment at which it has work, or None."""
    _lanes[name] = Lane(name, drain, next_due, busy)


def lanes() -> tuple[Lane, ...]:
    """Return the lanes in the order in which they were registered."""
    return tuple(_lanes.values())
