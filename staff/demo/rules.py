"""The one rule that the first clinic of the demo has made itself, beside the shipped ones."""

from __future__ import annotations

from typing import Any

from accounts.models import Clinic
from automations import lifecycle
from automations.models import Rule

SLUG = "thanks-after-visit"
DOCUMENT: dict[str, Any] = {
    "trigger_event": "appointment.completed",
    "trigger_config": {},
    "conditions": {"match": "all", "items": []},
    "actions": [
        {
            "id": "a1",
            "type": "send_notification",
            "to": "patient",
            "title": "Thank you for coming today",
            "body": "We will ask you a few questions about your visit soon.",
            "timing": {"mode": "immediately"},
        }
    ],
    "settings": {"reentry": {"mode": "every_time"}},
}


def add(clinic: Clinic) -> None:
    """Give the clinic its rule, switched on, unless it has it."""
    if not Rule.objects.for_clinic(clinic).filter(slug=SLUG).exists():
        rule = lifecycle.create_rule(clinic=clinic, name="Thanks after a visit", slug=SLUG, document=DOCUMENT)
        lifecycle.publish(rule)
