"""How many requests a token and its clinic may send a minute.

The counts are in Valkey, which may be lost or away at any moment: then nobody is held back.
"""

from __future__ import annotations

import logging
import time
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from accounts.models import ApiToken

WINDOW = 60
REST_SECONDS = 5.0
logger = logging.getLogger(__name__)


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.2, socket_timeout=0.2)


class Counters:
    """Counts by name in windows of a minute; after a failure it rests, so that an absent server costs nothing."""

    def __init__(self) -> None:
        self._rest_until = 0.0

    def count(self, names: list[str]) -> list[int]:
        """Raise each count by one and return them; nothing if the server is away."""
        if time.monotonic() < self._rest_until:
            return []
        window = int(time.time()) // WINDOW
        try:
            with _client().pipeline(transaction=False) as pipe:
                for name in names:
                    key = f"api-rate:{name}:{window}"
                    pipe.incr(key)
                    pipe.expire(key, 2 * WINDOW)
                return [int(one) for one in pipe.execute()[::2]]
        except (redis.RedisError, OSError):
            self._rest_until = time.monotonic() + REST_SECONDS
            logger.warning("api.rate_unknown")
            return []


counters = Counters()


def check(request: Request, clinic: Any) -> None:
    """Count this request for its caller and its clinic. Raises Throttled beyond what the settings allow."""
    caller = f"t{request.auth.pk}" if isinstance(request.auth, ApiToken) else f"u{request.user.pk}"
    limits = (settings.API_RATE_PER_CALLER, settings.API_RATE_PER_CLINIC)
    counts = counters.count([caller, f"c{clinic.pk}"])
    if any(count > limit for count, limit in zip(counts, limits, strict=False)):
        wait = WINDOW - time.time() % WINDOW
        raise Throttled(wait, detail=_("Too many requests in this minute; Retry-After says when to go on."))
