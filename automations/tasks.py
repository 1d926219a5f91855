"""Thin Celery entry points. A message only says "look"; losing or repeating one changes nothing."""

from __future__ import annotations

import time

from celery import shared_task
from django.db import close_old_connections

from automations.executor import execute_batch
from automations.matcher import match_batch
from clinic import lanes

BUDGET_SECONDS = 4.0
"""How long one drain keeps its worker; the next tick or wake-up goes on."""
SMALL = 50
GATHER_SECONDS = 0.02
"""After a small batch, wait this long before looking again: under a steady stream of single saves a batch costs the
same whether it holds one event or fifty. The first event of a quiet time never waits."""


@shared_task(name="automations.tasks.drain")
def drain() -> int:
    """Match and execute batch after batch until nothing is due or the budget is spent."""
    close_old_connections()
    deadline = time.monotonic() + BUDGET_SECONDS
    total = 0
    while time.monotonic() < deadline:
        count = match_batch() + execute_batch()
        if not count:
            break
        total += count
        if count < SMALL:
            time.sleep(GATHER_SECONDS)
    return total


@shared_task(name="automations.tasks.tick")
def tick() -> int:
    """Look for due work once a second, whether or not anybody was woken."""
    return drain()


@shared_task(name="automations.tasks.sweep")
def sweep() -> int:
    """Look, once a second, for what time alone has made due: forms past their due time, dates, closed weeks."""
    close_old_connections()
    return lanes.sweep()
