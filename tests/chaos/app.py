"""The product's Celery app; CHAOS_HASTE=1 shortens leases and pauses, so that a small run need not wait for them."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from celery.signals import worker_process_init

from clinic.celery import app

__all__ = ["app"]


@worker_process_init.connect
def _hurry(**_kwargs: Any) -> None:
    if os.environ.get("CHAOS_HASTE") != "1":
        return
    from automations import claims
    from messaging import leases, policy

    claims.LEASE = timedelta(seconds=3)
    policy.FIRST_PAUSE = timedelta(seconds=1)
    leases.lease_length = lambda: timedelta(seconds=6)
    leases.seconds_until_dot = lambda: 3.0
