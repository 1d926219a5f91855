"""Thin Celery entry points of long work. A message only says "look"; losing or repeating one changes nothing."""

from __future__ import annotations

from celery import shared_task
from django.db import close_old_connections

from clinic.wakeups import wake
from staff import jobs_running


@shared_task(name="staff.tasks.drain")
def drain() -> bool:
    """Give one due job a turn, and ask for the next behind the work that waits already."""
    close_old_connections()
    worked = jobs_running.turn()
    if worked:
        wake("jobs")
    return worked


@shared_task(name="staff.tasks.tick")
def tick() -> bool:
    """Look for jobs once a second, whether or not anybody was woken."""
    return drain()
