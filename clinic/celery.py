"""The Celery app. Messages carry nothing but "there is work": see docs/adr/0002-wakeups-not-messages.md."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.beat import Scheduler
from celery.signals import celeryd_init, setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")

app = Celery("clinic")
app.set_default()  # also in threads other than the one that imports this
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class MemoryScheduler(Scheduler):
    """Beat without its state file: a tick is worth sending or not at this moment, and the past does not matter."""


@setup_logging.connect
def keep_the_logging_of_the_settings(**_kwargs: Any) -> None:
    """Stop Celery from adding handlers of its own, which would write what the settings' formatter leaves out."""


@celeryd_init.connect
def start_the_embedded_servers(**_kwargs: Any) -> None:
    """Have the embedded servers run before the worker first asks for its broker."""
    from clinic.embedded import ensure

    if "embedded" in settings.DATABASES["default"]["OPTIONS"]:
        ensure(settings.EMBEDDED_DIR)
