"""Run the servers of one directory while any process uses them.

`python -m clinic.embedded.keeper DIRECTORY FSYNC PIPE`: FSYNC is on or off, PIPE the number of an inherited descriptor.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sys
import time
from pathlib import Path

from clinic.embedded import Postgres, Valkey, open_lock, try_lock
from clinic.embedded.process import EmbeddedError, Server

POLL_SECONDS = 0.05
RESTART_SECONDS = 1.0  # between two tries at a server that keeps dying

logger = logging.getLogger("clinic.embedded.keeper")


class Stop(Exception):
    """Somebody asked this keeper to end (SIGTERM, SIGINT)."""


def _asked_to_stop(number: int, _frame: object) -> None:
    raise Stop(signal.Signals(number).name)


def start_all(servers: list[Server], pipe: int) -> bool:
    """Start the servers and tell the process that waits at the other end of `pipe`."""
    answer = "ready"
    try:
        for server in servers:
            server.start()
    except (EmbeddedError, OSError) as error:
        answer = str(error)
        logger.error("start failed: %s", error)
    os.write(pipe, answer.encode())
    os.close(pipe)
    return answer == "ready"


def watch(servers: list[Server], users: int) -> None:
    """Restart a server that dies; return, holding the users' lock, once nobody uses them."""
    tried = 0.0
    while not try_lock(users, exclusive=True):
        for server in servers:
            if not server.running and time.monotonic() - tried > RESTART_SECONDS:
                tried = time.monotonic()
                logger.warning("%s ended by itself; starting it again", server.name)
                try:
                    server.start()
                except (EmbeddedError, OSError) as error:
                    logger.error("%s does not start: %s", server.name, error)
        time.sleep(POLL_SECONDS)


def keep(directory: Path, *, fsync: bool, pipe: int) -> None:
    """Start, watch and stop the servers of `directory`."""
    keeper, users = open_lock(directory, "keeper"), open_lock(directory, "users")
    fcntl.flock(keeper, fcntl.LOCK_EX)
    valkey, postgres = Valkey(directory), Postgres(directory, fsync=fsync)
    try:
        if start_all([postgres, valkey], pipe):
            watch([postgres, valkey], users)
    except Stop as reason:
        logger.warning("asked to stop: %s", reason)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        valkey.stop()
        postgres.stop("fast")
        (directory / "keeper.pid").unlink(missing_ok=True)


def main() -> None:
    """Read the arguments, keep the pid where a person can find it, and serve."""
    directory, fsync, pipe = Path(sys.argv[1]), sys.argv[2] == "on", int(sys.argv[3])
    os.umask(0o022)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _asked_to_stop)
    (directory / "keeper.pid").write_text(f"{os.getpid()}\n")
    keep(directory, fsync=fsync, pipe=pipe)


if __name__ == "__main__":
    main()
