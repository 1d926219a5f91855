"""Is this process alive, and can the product do its work?

An app with a backlog says so from its `AppConfig.ready`, so that nothing here knows any app:

    register_backlog("steps", selectors.oldest_due_step)   # → the moment the oldest waiting work was due, or None
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.db import Error, connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from clinic.clock import now

Backlog = Callable[[], datetime | None]
PATIENCE_SECONDS = 2

logger = logging.getLogger(__name__)
_backlogs: dict[str, Backlog] = {}


def register_backlog(name: str, oldest_due: Backlog) -> None:
    """Count the work of `name` towards readiness. Raises ValueError if the name is taken by another function."""
    if _backlogs.get(name, oldest_due) is not oldest_due:
        raise ValueError(f"A backlog named {name!r} is registered already.")
    _backlogs[name] = oldest_due


def backlog_ages() -> dict[str, float]:
    """Return for each backlog with due work how many seconds its oldest has waited."""
    current = now()
    oldest = {name: function() for name, function in _backlogs.items()}
    return {name: max(0.0, (current - moment).total_seconds()) for name, moment in oldest.items() if moment is not None}


def _check_broker() -> None:
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
    ) as client:
        client.ping()


def report() -> tuple[bool, dict[str, Any]]:
    """Return whether the product can work, and which part of it cannot."""
    failing = []
    ages: dict[str, float] | None = None
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{PATIENCE_SECONDS}s'")
            ages = backlog_ages()
    except Error as error:
        failing.append("database")
        logger.error("not ready: the database", extra={"code": type(error).__name__})
    try:
        _check_broker()
    except (redis.RedisError, OSError) as error:
        failing.append("broker")
        logger.error("not ready: the broker", extra={"code": type(error).__name__})
    oldest = max(ages.values(), default=0.0) if ages is not None else None
    if oldest is not None and oldest > settings.HEALTH_MAX_BACKLOG_SECONDS:
        failing.append("backlog")
    answer = {
        "ready": not failing,
        "failing": failing,
        "oldest_due_seconds": oldest and round(oldest, 1),
        "backlog": {name: round(age, 1) for name, age in sorted((ages or {}).items())},
    }
    return not failing, answer


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer 200: this process takes requests."""
    return JsonResponse({"live": True})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the database and the broker answer and no due work waits too long, else 503 naming what fails."""
    well, answer = report()
    return JsonResponse(answer, status=200 if well else 503)
