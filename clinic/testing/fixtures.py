"""Fixtures about servers and workers. The people and records are in the root conftest.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis
from django.conf import settings

from clinic.embedded import Postgres, Valkey, ensure
from clinic.testing.browser import browser, page
from clinic.testing.demo import a_demo_with_a_past, demo, running_demo
from clinic.testing.template import use_template
from clinic.testing.workers import Worker

__all__ = ["a_demo_with_a_past", "browser", "demo", "page", "running_demo"]

# No deadline: on a busy machine an example may take long without being wrong.
hypothesis.settings.register_profile("clinic", deadline=None, print_blob=True)
hypothesis.settings.load_profile("clinic")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: Any
) -> None:  # pytest-django asks for it before it makes the database
    """Copy the test database from a migrated one instead of migrating it again."""
    with django_db_blocker.unblock():
        use_template()


@pytest.fixture(scope="session")
def broker() -> str:
    """Return the address of a running broker: a database of its own in the run's Valkey."""
    if settings.REDIS_URL.startswith("unix://"):
        ensure(settings.EMBEDDED_DIR, fsync=False)
    return settings.REDIS_URL


@pytest.fixture
def valkey(broker: str) -> Iterator[redis.Redis]:
    """Return a client of this worker's own, emptied Valkey database."""
    with redis.Redis.from_url(broker) as client:
        client.flushdb()
        yield client


@pytest.fixture
def private_postgres(tmp_path: Path) -> Iterator[Postgres]:
    """Return a started PostgreSQL of this test's own, with fsync on, to stop and kill at will."""
    server = Postgres(tmp_path / "pg").start()
    yield server
    server.stop("immediate")


@pytest.fixture
def private_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """Return a started Valkey of this test's own, to kill and empty at will."""
    server = Valkey(tmp_path / "vk").start()
    yield server
    server.stop()


@pytest.fixture
def start_worker(transactional_db: None, valkey: redis.Redis, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Return a function that starts a real Celery worker on this test's database: `start("engine", beat=False)`."""
    started: list[Worker] = []

    def start(queue: str, **options: Any) -> Worker:
        worker = Worker(queue, tmp_path / f"{queue}-{len(started)}.log", **options)
        started.append(worker)
        return worker.wait_ready()

    yield start
    for worker in started:  # all at once: each takes two seconds to go, most of them asleep
        worker.ask_to_stop()
    for worker in started:
        worker.stop()


@pytest.fixture
def engine_worker(start_worker: Callable[..., Worker]) -> Worker:
    """Return a running engine worker with beat, on this test's database (real commits: transactional_db)."""
    return start_worker("engine")


@pytest.fixture
def deliver_worker(start_worker: Callable[..., Worker]) -> Worker:
    """Return a running deliver worker; beat for both lanes is with the engine worker, so ask for both to have ticks."""
    return start_worker("deliver", beat=False)
