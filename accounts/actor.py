"""Who is acting: carried beside the code that acts, so that services can allow and the audit trail can name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

KINDS = ("system", "user", "token", "patient", "anonymous")


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or program behind what happens now.

    `system` is the house itself (rules, ticks, commands) and may do everything; `anonymous` is a visitor nobody knows
    and may do nothing. `membership_id` and `clinic_id` are set when there is exactly one that can be meant.
    """

    kind: str = "system"
    user_id: int | None = None
    membership_id: int | None = None
    clinic_id: int | None = None
    ip: str | None = None
    token_id: int | None = None
    patient_id: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no kind of actor; one of {', '.join(KINDS)} is.")

    @property
    def id(self) -> int | None:
        """Give the id that belongs to the kind: of the user, the token or the patient."""
        return {"user": self.user_id, "token": self.token_id, "patient": self.patient_id}.get(self.kind)


SYSTEM = Actor()
_actor: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)


def current() -> Actor:
    """Return who is acting here."""
    return _actor.get()


@contextmanager
def acting_as(actor: Actor) -> Iterator[Actor]:
    """Let `actor` be the one who does what happens inside."""
    token = _actor.set(actor)
    try:
        yield actor
    finally:
        _actor.reset(token)
