"""Turn the addresses of the environment into what Django and Celery want. The settings use it: it imports no Django."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kombu import Queue
from psycopg.conninfo import conninfo_to_dict

from clinic.embedded import Postgres

LANES = ("engine", "deliver")


# A process that was frozen inside a transaction must not keep its patients locked for ever. On servers of one's own
# the role says so (docs/operations.md): a pooler in between may not take options.
IDLE = "-c idle_in_transaction_session_timeout=60s"


def database(url: str, *, embedded: Path, fsync: bool, application_name: str) -> dict[str, Any]:
    """Return one entry of DATABASES for any address that libpq takes; for none, the server in `embedded`."""
    parts = {
        name: value for name, value in conninfo_to_dict(url or Postgres(embedded).url).items() if value is not None
    }
    named = {
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
    }
    options: dict[str, Any] = {"application_name": application_name} | parts
    if not url:
        options |= {"embedded": str(embedded), "embedded_fsync": fsync, "options": IDLE}
    return named | {
        "ENGINE": "django.db.backends.postgresql" if url else "clinic.embedded.backend",
        "OPTIONS": options,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


def broker_url(redis_url: str) -> str:
    """Return the address as Celery writes it: a UNIX socket has another scheme there than in redis-py."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={number}"


def queues() -> list[Queue]:
    """Return one queue a lane. Celery addresses it by its name alone, so emptying Redis loses no route to it."""
    return [Queue(lane) for lane in LANES]
