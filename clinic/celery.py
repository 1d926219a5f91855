"""The Celery app. Messages carry nothing but "there is work": see docs/adr/0002-wakeups-not-messages.md."""

from __future__ import annotations

import logging
import os
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from celery.beat import Scheduler
from celery.signals import beat_embedded_init, celeryd_after_setup, celeryd_init, setup_logging, worker_process_init
from django.conf import settings
from kombu import Connection
from kombu.exceptions import OperationalError

from clinic.embedded import die_with_parent, ensure
from clinic.servers import LANES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
logger = logging.getLogger(__name__)


class EagerConnection(Connection):
    """A connection that looks for a lost broker every second; Celery's own pauses grow to 30 s and are not settings."""

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        return super().ensure_connection(
            *args, **{"interval_start": 0.2, "interval_step": 0.2, "interval_max": 1} | kwargs
        )


class EagerAMQP(AMQP):
    Connection = EagerConnection


class MemoryScheduler(Scheduler):
    """Beat without its state file: a tick is worth sending or not at this moment, and the past does not matter."""


app = Celery("clinic", amqp=EagerAMQP)
app.set_default()  # also in threads other than the one that imports this
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_the_logging_of_the_settings(**_kwargs: Any) -> None:
    """Stop Celery from adding handlers of its own, which would write what the settings' formatter leaves out."""


@celeryd_init.connect
def start_the_embedded_servers(**_kwargs: Any) -> None:
    """Have the embedded servers run before the worker first asks for its broker."""
    if "embedded" in settings.DATABASES["default"]["OPTIONS"]:
        ensure(settings.EMBEDDED_DIR)


@celeryd_after_setup.connect
def forget_old_wake_ups(instance: Any, **_kwargs: Any) -> None:
    """Throw away what waits in the queues of a worker that starts.

    They are wake-ups, and the next tick says the same. One among them may be malformed and have ended the process
    before: a worker that came back would take it up again, for ever.
    """
    if not set(instance.app.amqp.queues.consume_from) <= set(LANES):
        return  # queues of somebody else's, which may carry more
    try:
        instance.app.control.purge()
    except OperationalError:
        logger.warning("the broker cannot be reached yet: no wake-ups thrown away")


@worker_process_init.connect
@beat_embedded_init.connect
def end_with_the_worker(**_kwargs: Any) -> None:
    """Have the processes of a worker end when it is killed: an orphan would go on ticking, unseen."""
    die_with_parent()
