"""What the tests of the executor share: its actions, and how their time passes."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from automations import ticking
from automations.tests.builders import move, visit
from clinic import clock

BUCHAREST = ZoneInfo("Europe/Bucharest")
NOW = {"type": "whisper", "title": "Whisper"}
SOON = {"type": "whisper", "title": "Whisper", "timing": {"mode": "delay", "amount": 1, "unit": "days"}}
TASK = {**SOON, "type": "jot", "title": "Task"}


def complete(patient: Any, **fields: Any) -> Any:
    """Complete a visit and match it."""
    row = move(visit(patient, **fields), status="completed")
    ticking.drain_all()
    return row


def pass_days(days: float) -> None:
    """Let the clock jump, as over a time in which no worker ran, and then work."""
    clock.advance_by(timedelta(days=days))
    ticking.drain_all()


def at_local(hour: int, minute: int = 0, zone: ZoneInfo = BUCHAREST) -> datetime:
    """Walk the clock to the next day's local time."""
    day = clock.now().astimezone(zone).date() + timedelta(days=1)
    clock.advance_to(datetime.combine(day, time(hour, minute), zone))
    return clock.now()
