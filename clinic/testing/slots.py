"""Give each concurrent test run of a checkout a small number of its own: the name of its databases hangs on it."""

from __future__ import annotations

import os
from pathlib import Path

from clinic.embedded import open_lock, try_lock
from clinic.embedded.valkey import DATABASES

VARIABLE = "CLINIC_TEST_SLOT"
SLOTS = 16
WORKERS = DATABASES // SLOTS
_held: list[int] = []


def own_slot(directory: Path) -> int:
    """Return this run's number, taking the lowest free one if no parent process did.

    The lock lives as long as the process, so a killed run gives its number back. Raises RuntimeError when all are
    taken.
    """
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = str(_take(directory))
    return int(os.environ[VARIABLE])


def _take(directory: Path) -> int:
    for number in range(SLOTS):
        descriptor = open_lock(directory, f"slot-{number}")
        if try_lock(descriptor, exclusive=True):
            _held.append(descriptor)
            return number
        os.close(descriptor)
    raise RuntimeError(f"{SLOTS} test runs use this checkout already. Wait for one to end.")


def valkey_database(slot: int) -> int:
    """Return the number of the Valkey database of this process: one for each worker of each run."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    number = int(worker)
    if number >= WORKERS:
        raise RuntimeError(f"pytest -n takes at most {WORKERS} workers here.")
    return slot * WORKERS + number
