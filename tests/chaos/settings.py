"""The settings of the writers and workers: those of the tests, with the care for connections of production."""

from clinic.settings_test import *  # noqa: F403
from clinic.settings_test import DATABASES

DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
