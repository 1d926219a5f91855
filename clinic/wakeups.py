"""Tell the workers that a lane has work: at once, never blocking, and allowed to fail.

A wake-up only shortens the wait. What is to be done is a row in PostgreSQL, and every lane looks at its rows once a
second anyway (the ticks of beat, see the settings), so a lost wake-up costs at most that second. This is why nothing
here is retried, stored or waited for: a web request that commits must not feel that the broker is away.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import redis
from kombu.exceptions import KombuError

from clinic.celery import app

TASKS = {
    "engine": ("automations.tasks.drain", "engine"),
    "sweep": ("automations.tasks.sweep", "engine"),
    "jobs": ("staff.tasks.drain", "engine"),
    "deliver": ("messaging.tasks.drain", "deliver"),
}
"""By lane: the task that looks after it, and the queue of the workers that run it."""
EXPIRES_SECONDS = 5  # as the ticks: older news is no news
GAP_SECONDS = 0.005  # one message a lane in this time: a drain takes everything that is due, however many asked
ENOUGH_WAITING = 8  # with so many unread in the queue, one more tells the workers nothing
UNASKED = 3  # messages that may follow one before which the queue was found short
REST_SECONDS = 0.5  # after a failure
TRANSPORT = {
    "socket_connect_timeout": 1,
    "socket_timeout": 1,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
}

logger = logging.getLogger(__name__)


class Publisher:
    """The lanes that wait to be woken, and the one daemon thread that does it."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._producer: Any = None
        self._unasked: dict[str, int] = {}
        self.published = self.dropped = 0

    def wake(self, lane: str) -> None:
        """Note the lane and return. Starts the thread at the first call in this process."""
        with self._changed:
            self._waiting.add(lane)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="wake-ups", daemon=True)
                self._thread.start()
            self._changed.notify()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until nothing is left to publish (for tests and for the end of a command)."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self._changed:
                if not self._waiting and not self._busy:
                    return True
            time.sleep(0.002)
        return False

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.wait_for(lambda: bool(self._waiting))
                lanes, self._waiting = sorted(self._waiting), set()
                self._busy = True
            try:
                for lane in lanes:
                    self._publish(lane)
            except (KombuError, redis.RedisError, OSError):
                self._give_up(len(lanes))
            time.sleep(GAP_SECONDS)

    def _publish(self, lane: str) -> None:
        if self._producer is None:
            connection = app.connection_for_write()
            connection.transport_options = (connection.transport_options or {}) | TRANSPORT
            self._producer = app.amqp.Producer(connection, auto_declare=False)
        task, queue = TASKS[lane]
        if self._is_full(queue):
            return
        app.send_task(task, queue=queue, expires=EXPIRES_SECONDS, producer=self._producer, retry=False)
        self.published += 1

    def _is_full(self, queue: str) -> bool:
        """Tell whether enough messages wait in the queue. To ask costs as much as to send, so it asks now and then."""
        self._unasked[queue] = left = self._unasked.get(queue, 0) - 1
        if left >= 0:
            return False
        if self._producer.channel._size(queue) >= ENOUGH_WAITING:
            return True
        self._unasked[queue] = UNASKED
        return False

    def _give_up(self, count: int) -> None:
        """Drop what waits, forget the connection and rest: the ticks carry on without us."""
        self.dropped += count
        logger.warning("wake-up dropped: the broker is away", extra={"count": count})
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.connection.collect(socket_timeout=0.1)
        time.sleep(REST_SECONDS)


publisher = Publisher()
_unheard: ContextVar[bool] = ContextVar("unheard", default=False)


def _after_fork() -> None:
    """Start anew in a forked child: it has neither the thread nor a right to the parent's connection."""
    global publisher
    publisher = Publisher()


os.register_at_fork(after_in_child=_after_fork)


def wake(lane: str) -> None:
    """Say that `lane` ("engine", "sweep", "jobs" or "deliver") has work. Call it from `transaction.on_commit`.

    Returns at once and raises nothing but KeyError for a lane that does not exist.
    """
    if lane not in TASKS:
        raise KeyError(lane)
    if not _unheard.get():
        publisher.wake(lane)


@contextmanager
def unheard() -> Iterator[None]:
    """Wake nobody for what is committed inside: whoever is at it drains the lanes, and the ticks go on as ever."""
    token = _unheard.set(True)
    try:
        yield
    finally:
        _unheard.reset(token)
