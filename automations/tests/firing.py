"""Which triggers a write fires, asked without storing an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from automations.engine.declare import catalog
from clinic.changes import Change, records_changed


def changes_of(write: Callable[[], Any]) -> list[Change]:
    """Do a write and return the changes that it announced."""
    seen: list[Change] = []

    def listen(sender: Any, changes: list[Change], **_: Any) -> None:
        seen.extend(changes)

    records_changed.connect(listen)
    try:
        write()
    finally:
        records_changed.disconnect(listen)
    return seen


def fired_by(write: Callable[[], Any]) -> list[str]:
    """Do a write and return the keys of the triggers that it fired, sorted."""
    changes = changes_of(write)
    return sorted(
        trigger.key
        for change in changes
        for trigger in catalog.triggers.values()
        if trigger.model == change.model and trigger.fires(change)
    )
