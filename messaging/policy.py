"""What becomes of a delivery after an attempt: decisions only, no database and no clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from messaging.models import Delivery
from patients.categories import EXPECTED

State = Delivery.State

MOST_ATTEMPTS = 20
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=4)
SENDS_TWICE = EXPECTED
"""Categories of which two copies do less harm than none."""


class Result(StrEnum):
    """How a conversation with a mail server or push service ended."""

    SENT = "sent"
    UNREACHABLE = "unreachable"
    TEMPORARY = "temporary"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result with the server's own words. `bounced`: the address itself does not exist. `reason` refines the result.

    `wait`: how long the server asked to be left alone.
    """

    result: Result
    answer: str = ""
    bounced: bool = False
    reason: str = ""
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """The state that follows, why, and after which pause for a retry. `maybe_left` is what is known from now on."""

    state: str
    reason: str = ""
    pause: timedelta | None = None
    maybe_left: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What counts of a delivery's past: this attempt's number, how many ended unknown, whether it was called off."""

    category: str
    attempts: int
    unknown_before: int = 0
    maybe_left: bool = False
    called_off: bool = False


def pause_after(attempts: int, chance: Callable[[], float] = random.random) -> timedelta:
    """Return how long to wait: exponential, with full jitter, so that a mail server that comes back is not stormed."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 20))
    return longest * chance()


def decide(outcome: Outcome, past: Past, chance: Callable[[], float] = random.random) -> Next:
    """Decide what follows an attempt."""
    if outcome.result is Result.SENT:
        return Next(State.SENT, maybe_left=True)
    if outcome.result is Result.REFUSED:
        return ended(State.FAILED, "refused", past)
    reason = outcome.reason or outcome.result.value
    if outcome.result is Result.UNKNOWN:
        if past.category not in SENDS_TWICE or past.unknown_before or past.called_off:
            return Next(State.UNKNOWN, reason, maybe_left=True)
        return Next(State.RETRY, reason, pause_after(past.attempts, chance), maybe_left=True)
    if past.called_off:
        return ended(State.WITHDRAWN, "stopped", past)
    if past.attempts >= MOST_ATTEMPTS:
        return ended(State.FAILED, "gave_up", past)
    pause = max(pause_after(past.attempts, chance), outcome.wait or timedelta(0))
    return Next(State.RETRY, reason, pause, past.maybe_left)


def ended(state: str, reason: str, past: Past) -> Next:
    """End a delivery that did not leave this time; if it may have left before, it stays unknown."""
    return Next(State.UNKNOWN if past.maybe_left else state, reason, maybe_left=past.maybe_left)
