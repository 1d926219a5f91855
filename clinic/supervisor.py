"""Run several processes as one: start them, watch them, restart what dies, and leave nothing behind."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from clinic.embedded import open_lock, try_lock
from clinic.embedded.process import LAUNCHER, open_log, wait_until

STOP_SECONDS = 15  # a worker finishes its batch (250 ms), a web server its requests
RESTART_SECONDS = 2.0


class AlreadyRunning(Exception):
    """Another supervisor runs in this directory."""


class Stopped(Exception):
    """A signal asked this supervisor to stop."""


@dataclass
class Child:
    """One process to run: its output goes to `log`; SIGTERM stops it."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, compare=False)
    started: float = field(default=0.0, compare=False)

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""


class Supervisor:
    """The children of one foreground process group.

    A child dies when this process does, however that ends (launch.py). All of them inherit the lock `children`, which
    therefore stays taken until the last of them, and whatever they forked, is gone: so a new start knows when an old
    one is really over.
    """

    def __init__(self, directory: Path, children: Sequence[Child], say: Callable[[str], Any]) -> None:
        self.directory, self.children, self.say = directory, list(children), say
        self._own = open_lock(directory, "supervisor")
        self._shared = open_lock(directory, "children")

    def take_over(self) -> None:
        """Become the only supervisor of this directory, once the children of a killed one have gone.

        Raises AlreadyRunning.
        """
        if not try_lock(self._own, exclusive=True):
            raise AlreadyRunning
        if not wait_until(lambda: try_lock(self._shared, exclusive=True), STOP_SECONDS):
            self.say("Ending the processes that a killed run left.")
            for process in self._left_behind():
                process.kill()
            fcntl.flock(self._shared, fcntl.LOCK_EX)

    def _left_behind(self) -> list[psutil.Process]:
        """Find the processes that hold the children's lock."""
        path, found = str(self.directory / "children.lock"), []
        for process in psutil.process_iter():
            try:
                if process.pid != os.getpid() and any(opened.path == path for opened in process.open_files()):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def start(self, environment: Mapping[str, str]) -> None:
        """Start every child. SIGTERM and SIGINT raise Stopped from here on."""
        self.environment = dict(environment)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        for child in self.children:
            self._spawn(child)

    def _asked_to_stop(self, number: int, _frame: object) -> None:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)  # once is enough: a second Ctrl-C must not interrupt the tidying
        raise Stopped(signal.Signals(number).name)

    def _spawn(self, child: Child) -> None:
        fixed = [sys.executable, "-I", "-S", LAUNCHER, os.getpid(), int(signal.SIGTERM), os.getuid(), os.getgid()]
        with open_log(child.log) as log:
            child.process = subprocess.Popen(
                [str(part) for part in [*fixed, *child.command]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                pass_fds=[self._shared],
            )
        child.started = time.monotonic()

    def dead(self) -> list[Child]:
        """Return the children that have ended."""
        return [child for child in self.children if child.process is not None and child.process.poll() is not None]

    def watch(self) -> None:
        """Restart what dies, for ever; only Stopped ends it."""
        while True:
            for child in self.dead():
                if time.monotonic() - child.started > RESTART_SECONDS:
                    assert child.process is not None
                    self.say(
                        f"{child.name} ended with code {child.process.returncode}; starting it again. Log: {child.log}"
                    )
                    self._spawn(child)
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop every child and wait until each, and all that it started, is gone."""
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        os.close(self._shared)
        lock = open_lock(self.directory, "children")
        if not wait_until(lambda: try_lock(lock, exclusive=True), 5):
            for left in self._left_behind():
                left.kill()
        os.close(lock)
        os.close(self._own)
