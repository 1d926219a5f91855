"""What the two embedded servers share: their directory, their user, their process."""

from __future__ import annotations

import ctypes
import hashlib
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import psutil

LAUNCHER = Path(__file__).with_name("launch.py")
LOG_BYTES = 10_000_000
SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes on Linux and 104 elsewhere, the closing NUL included
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432.lock")


class EmbeddedError(RuntimeError):
    """An embedded server does not start or stop; the message says what to do."""


def account() -> tuple[int, int]:
    """Return the user and group that the servers run as: `nobody` for root, else whoever runs this."""
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process `number` when its parent ends. Linux only: elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(number), 0, 0, 0)  # PR_SET_PDEATHSIG


def own_directory(path: Path) -> Path:
    """Make `path` a directory that only the servers' user (and root) may enter."""
    path.mkdir(parents=True, exist_ok=True)
    uid, gid = account()
    status = path.stat()
    if status.st_uid != uid:
        if os.getuid() != 0:
            raise EmbeddedError(
                f"{path} belongs to another user (uid {status.st_uid}). Remove it, or run as that user."
            )
        os.chown(path, uid, gid)
    path.chmod(0o700)
    return path


def socket_directory(directory: Path) -> Path:
    """Return where the sockets of `directory` are: inside it, or if its path is too long in the temporary one."""
    inside = directory / "run"
    if len(str(inside)) + LONGEST_SOCKET_NAME <= SOCKET_PATH_LIMIT:
        return inside
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"clinic-{os.getuid()}-{name}"


def open_log(path: Path) -> BinaryIO:
    """Open a log to append to, putting a large one aside first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".old.log"))
    return path.open("ab")


def wait_until(ready: Callable[[], bool], seconds: float) -> bool:
    """Ask `ready` every 10 ms for up to `seconds`; return its last answer."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Server:
    """One server process in one directory. Not thread-safe; the process dies with the thread that started it."""

    name = "server"
    death_signal = signal.SIGTERM

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory).resolve()
        self.run = socket_directory(self.directory)
        self.log = self.directory / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while the server runs."""
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    @property
    def running(self) -> bool:
        return self.pid is not None

    def start(self) -> Any:
        """Start the server and return it once it answers."""
        raise NotImplementedError

    def launch(self, command: list[str | Path], **options: object) -> subprocess.Popen[bytes]:
        """Start `command` as the servers' user, tied to this process; its output goes to the log."""
        uid, gid = account()
        fixed = [sys.executable, "-I", "-S", LAUNCHER, os.getpid(), int(self.death_signal), uid, gid]
        with open_log(self.log) as log:
            return subprocess.Popen(  # type: ignore[call-overload]
                [str(part) for part in [*fixed, *command]],
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,  # Ctrl-C is for the product, which then stops its servers in order
                **({"stdin": subprocess.DEVNULL} | options),
            )

    def signal(self, number: int, seconds: float) -> None:
        """Send `number` and wait for the end, at most `seconds`, then kill. A server that is not running stays so."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self) -> None:
        """Kill the server with SIGKILL: nothing is written, nothing is tidied."""
        self.signal(signal.SIGKILL, 10)

    def tail(self, lines: int = 12) -> str:
        """Return the last lines of the server's log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "(no log)"


def processes_in(directory: Path, name: str) -> list[psutil.Process]:
    """Find processes called `name` whose working directory is `directory`: what a killed parent may leave."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name().startswith(name) and process.cwd() == str(directory):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
