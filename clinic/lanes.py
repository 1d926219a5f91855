"""The lanes of due work: apps register theirs, `manage.py tick` and the clock walker drain them all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lane:
    """A kind of due work. `drain` does all that is due and returns how many rows it dealt with.

    A `sweep` looks for what time alone makes due and is drained by the engine's tick, once a second; other lanes have
    tasks of their own. `busy` tells whether another process is in the middle of such work, so that the clock must not
    be moved under it.
    """

    name: str
    drain: Callable[[], int]
    next_due: Callable[[], datetime | None]
    busy: Callable[[], bool] = lambda: False
    sweep: bool = False


logger = logging.getLogger(__name__)
_lanes: dict[str, Lane] = {}


def register_lane(
    name: str,
    drain: Callable[[], int],
    next_due: Callable[[], datetime | None],
    busy: Callable[[], bool] = lambda: False,
    *,
    sweep: bool = False,
) -> None:
    """Add a lane (from `AppConfig.ready`). `next_due` returns the earliest moment at which it has work, or None.

    A sweep's `drain` must be cheap when nothing is due, stop after a few seconds, and be a claim: several may run.
    """
    _lanes[name] = Lane(name, drain, next_due, busy, sweep)


def sweep() -> int:
    """Drain every sweep; return how many rows they dealt with. One that breaks is logged and keeps no other back."""
    total = 0
    for lane in lanes():
        if lane.sweep:
            try:
                total += lane.drain()
            except Exception as error:
                logger.exception("a sweep broke", extra={"code": type(error).__name__, "lane": lane.name})
    return total


def lanes() -> tuple[Lane, ...]:
    """Return the lanes in the order in which they were registered."""
    return tuple(_lanes.values())
