"""What a consent that is withdrawn means for what a patient is about to be told inside the platform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clinic.changes import Change
from messaging import visibility
from patients.categories import Channel


def on_consent_changed(sender: Any, changes: Sequence[Change], **_: Any) -> None:
    """Hide notifications that nobody could see yet. Mail is asked about when it leaves."""
    for change in changes:
        consent = change.instance
        if consent.channel != Channel.IN_PLATFORM or change.new["granted"]:
            continue
        about = {"patient": consent.patient_id, "recipient": None, "category": consent.category}
        visibility.withdraw(visibility.hidden().filter(**about), "no_consent")
