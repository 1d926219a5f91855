"""The settings of a test run: the same file, in the mode that may move the clock, on servers of its own.

Several runs may share a checkout, so each takes a number that is free (see clinic/testing/slots.py) and with it its
own databases. The first process of a run takes it and hands it to its pytest-xdist workers in the environment.
"""

import os

os.environ["CLINIC_MODE"] = "test"

from clinic.settings import *  # noqa: F403
from clinic.settings import DATABASES, EMBEDDED_DIR, REDIS_URL, Valkey, broker_url, env
from clinic.testing.slots import own_slot, valkey_database

DATABASES["default"]["TEST"] = {"NAME": f"test_clinic_{own_slot(EMBEDDED_DIR)}"}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = False  # it would count in the pinned numbers of queries
if not env.str("TEST_REDIS_URL", default=""):
    REDIS_URL = Valkey(EMBEDDED_DIR).database_url(valkey_database(own_slot(EMBEDDED_DIR)))
    CELERY_BROKER_URL = broker_url(REDIS_URL)

WHITENOISE_AUTOREFRESH = True  # look for a static file when one is asked for: every test client loads the middleware
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # logging in is not what most tests are about
ACCOUNT_RATE_LIMITS = False  # all tests come from one address
EMAIL_TIMEOUT = 5
