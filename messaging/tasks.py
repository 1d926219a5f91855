"""Thin Celery entry points of the queue `deliver`."""

from __future__ import annotations

from celery import shared_task

from messaging import delivery


@shared_task
def drain() -> int:
    """Send what is due; woken when something was queued."""
    return delivery.drain_due()


@shared_task
def tick() -> int:
    """Send what is due; every second, because a wake-up may be lost."""
    return delivery.drain_due()
