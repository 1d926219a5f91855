"""The servers that the product brings along: PostgreSQL and Valkey, shared by every process that needs them.

Each process that needs them holds a shared lock on `users.lock` for as long as it lives; the kernel gives it back
however the process ends. A keeper process (keeper.py) runs the servers and stops them once it can have that lock for
itself. So nobody counts, nothing is left to tidy after a SIGKILL, and any command may be the first or the last. See
docs/adr/0001-embedded-servers.md.

Tests that break servers start private ones: `Postgres(directory)` and `Valkey(directory)`.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

from clinic.embedded.postgres import Postgres
from clinic.embedded.process import EmbeddedError, die_with_parent
from clinic.embedded.valkey import Valkey

__all__ = [
    "EmbeddedError",
    "Postgres",
    "Valkey",
    "die_with_parent",
    "ensure",
    "in_use",
    "locked",
    "open_lock",
    "release",
    "try_lock",
]

_held: dict[Path, int] = {}
_keepers: list[subprocess.Popen[bytes]] = []  # those that this process started, to collect them when they end


def open_lock(directory: Path, name: str) -> int:
    """Open (and make) a lock file. It is never removed: two processes must mean the same file."""
    directory.mkdir(parents=True, exist_ok=True)
    return os.open(directory / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int, *, exclusive: bool) -> bool:
    """Take the lock if it is free; return whether it was."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def locked(directory: Path, name: str, *, against_sharing: bool) -> bool:
    """Tell whether somebody holds the lock: anybody at all, or (against_sharing) exclusively."""
    descriptor = open_lock(directory, name)
    try:
        return not try_lock(descriptor, exclusive=not against_sharing)
    finally:
        os.close(descriptor)


def in_use(directory: Path) -> bool:
    """Tell whether any process uses, starts or stops the servers of `directory`."""
    return locked(directory, "users", against_sharing=False) or locked(directory, "keeper", against_sharing=False)


def ensure(directory: Path, *, fsync: bool = True) -> None:
    """Have PostgreSQL and Valkey run in `directory` until this process ends, starting them if nobody did.

    Cheap when they run. `fsync=False` (whoever starts them decides) is for data that is thrown away. Raises
    EmbeddedError with the end of the server's log when they do not start.
    """
    directory = directory.resolve()
    if directory not in _held:
        descriptor = open_lock(directory, "users")
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits while a keeper is stopping
        _held[directory] = descriptor
        atexit.register(release, directory, os.getpid())
    start = open_lock(directory, "start")
    try:
        fcntl.flock(start, fcntl.LOCK_EX)
        if not locked(directory, "keeper", against_sharing=False):
            _start_keeper(directory, fsync)
    finally:
        os.close(start)


def release(directory: Path, owner: int | None = None) -> None:
    """Give the servers up; if nobody else uses them, return only when they have stopped."""
    directory = directory.resolve()
    if directory not in _held or owner not in (None, os.getpid()):
        return  # a forked child is not the one who took the lock
    os.close(_held.pop(directory))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and locked(directory, "keeper", against_sharing=False):
        if locked(directory, "users", against_sharing=False) and not locked(directory, "users", against_sharing=True):
            break  # others share it
        time.sleep(0.02)
    for keeper in _keepers:
        if keeper.poll() is None:
            keeper.returncode = 0  # it serves others now; without this Python warns of a child that is left running
    _keepers.clear()


def _start_keeper(directory: Path, fsync: bool) -> None:
    reading, writing = os.pipe()
    with (directory / "keeper.log").open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "clinic.embedded.keeper", str(directory), "on" if fsync else "off", str(writing)],
            pass_fds=[writing],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=Path(__file__).resolve().parent.parent.parent,
            env={name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))},
            start_new_session=True,
        )
    _keepers[:] = [keeper] + [earlier for earlier in _keepers if earlier.poll() is None]
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()  # until the keeper closes its end, or dies
    if answer != "ready":
        raise EmbeddedError(answer or f"The embedded servers do not start; see {directory / 'keeper.log'}.")
