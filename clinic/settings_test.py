"""The settings of a test run: the same file, in the mode that may move the clock, on servers of its own."""

import os

os.environ["CLINIC_MODE"] = "test"

from clinic.settings import *  # noqa: E402, F403
