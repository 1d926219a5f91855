"""The settings of a benchmark: those of the tests, with the reference beside the product."""

from clinic.settings_test import *  # noqa: F403
from clinic.settings_test import INSTALLED_APPS, LOGGING

INSTALLED_APPS = [*INSTALLED_APPS, "bench.reference"]
# Two lines a message would slow the reference down for no reason of its own.
QUIET = {name: {"level": "WARNING"} for name in ("celery.worker.strategy", "celery.app.trace")}
LOGGING = LOGGING | {"loggers": {**LOGGING.get("loggers", {}), **QUIET}}
