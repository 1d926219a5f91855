"""Rules name rows of other apps by slug; when such a row is saved, rules that name it are looked at again."""

from __future__ import annotations

from typing import Any

from automations.modes import raise_epoch


def on_saved(sender: Any, instance: Any, **_: Any) -> None:
    """Make the compiled rules of the row's clinic stale: it may have been archived, or come back."""
    raise_epoch(instance.clinic_id)
