"""What changed: the value that travels from a write to whoever must know, and the circumstances of the write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.dispatch import Signal

records_changed = Signal()
"""Sent with `changes: list[Change]` inside the writer's transaction, the patient's lock held."""

_muted: ContextVar[str] = ContextVar("muted", default="")
_origin: ContextVar[str] = ContextVar("origin", default="system")

_after_silence: list[Callable[[], None]] = []
_before_silent_writes: list[Callable[[Collection[int]], None]] = []

ORIGINS = ("session", "token", "import", "tick", "system")


@contextmanager
def silently(reason: str) -> Iterator[None]:
    """Mute every event that the writes inside cause, derived ones included.

    Stopping and re-timing go on: silence never lets a cancelled appointment's reminder leave.
    """
    if not reason:
        raise ValueError("silently() needs a reason; it is kept with what it muted.")
    outermost = not _muted.get()
    token = _muted.set(reason)
    try:
        yield
    finally:
        _muted.reset(token)
    if outermost:
        for settle in _after_silence:
            settle()


def after_silence(settle: Callable[[], None]) -> None:
    """Have `settle` called whenever the outermost silent block ends well (from `AppConfig.ready`).

    What would follow later from the silent writes is worked out then, so that nobody mistakes it for the consequence
    of the next write that is heard.
    """
    if settle not in _after_silence:
        _after_silence.append(settle)


def before_silent_writes(settle: Callable[[Collection[int]], None]) -> None:
    """Have `settle` called with the patients that a silent write has just locked, before it writes.

    What still follows from earlier writes, which were heard, is worked out then and told.
    """
    if settle not in _before_silent_writes:
        _before_silent_writes.append(settle)


def patients_locked(ids: Collection[int]) -> None:
    """Say, from where patients are locked, that these are about to be written to."""
    if ids and _muted.get():
        for settle in _before_silent_writes:
            settle(ids)


@contextmanager
def muted_as(reason: str) -> Iterator[None]:
    """Mute the writes inside for `reason`, or let them be heard if it is empty, whatever stands around.

    For writes that follow from earlier ones and must be heard, or not, as those were.
    """
    token = _muted.set(reason)
    try:
        yield
    finally:
        _muted.reset(token)


def muted_reason() -> str:
    """Return why events are muted here, or an empty text."""
    return _muted.get()


@contextmanager
def origin(name: str) -> Iterator[None]:
    """Say where the writes inside come from: session, token, import, tick or system."""
    if name not in ORIGINS:
        raise ValueError(f"{name!r} is not an origin; one of {', '.join(ORIGINS)} is.")
    token = _origin.set(name)
    try:
        yield
    finally:
        _origin.reset(token)


def current_origin() -> str:
    """Return where the current writes come from."""
    return _origin.get()


@dataclass(frozen=True, slots=True)
class Change:
    """One committed transition of one watched record (or its creation)."""

    model: str
    instance: Any
    created: bool
    old: dict[str, Any]
    new: dict[str, Any]
    at: datetime
    occurred_at: datetime
    muted: str
    origin: str
    caused_by_id: int | None

    @classmethod
    def creation(cls, instance: Any, at: datetime | None) -> Change:
        """Describe a row that was just inserted."""
        new = {name: instance._meta.get_field(name).to_python(getattr(instance, name)) for name in instance.watched}
        return cls._make(instance, True, {}, new, at)

    @classmethod
    def between(cls, instance: Any, old: dict[str, Any], new: dict[str, Any], at: datetime) -> Change:
        """Describe a row whose watched attributes went from `old` to `new`."""
        return cls._make(instance, False, old, new, at)

    @classmethod
    def _make(cls, instance: Any, created: bool, old: dict[str, Any], new: dict[str, Any], at: Any) -> Change:
        cause = getattr(instance, "caused_by_step_id", None) or getattr(instance, "source_step_id", None)
        return cls(
            model=instance._meta.label,
            instance=instance,
            created=created,
            old=old,
            new=new,
            at=at,
            occurred_at=getattr(instance, "occurred_at_hint", None) or at,
            muted=muted_reason(),
            origin=current_origin(),
            caused_by_id=cause,
        )

    def became(self, field: str, value: Any) -> bool:
        """Tell whether the record was created with, or moved to, `value`."""
        return bool(self.new[field] == value and (self.created or self.old[field] != value))

    def moved(self, field: str) -> bool:
        """Tell whether an existing record's `field` changed."""
        return not self.created and bool(self.old[field] != self.new[field])

    def snapshot(self) -> dict[str, Any]:
        """Return the attributes that may be copied into an event."""
        names = self.instance.snapshot if self.instance.snapshot is not None else self.instance.watched
        return {name: self.new[name] for name in names}
