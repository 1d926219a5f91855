"""Real Celery workers against the test database: for what only separate processes and real commits can show."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psutil
from django.conf import settings
from django.db import connection

from clinic.embedded.process import LAUNCHER, wait_until

START_SECONDS = 120


def database_url() -> str:
    """Return the address of the database that this test uses."""
    given = connection.settings_dict
    password = f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else ""
    port = f"&port={given['PORT']}" if given["PORT"] else ""
    return f"postgresql://{quote(given['USER'])}{password}@/{given['NAME']}?host={quote(given['HOST'], safe='/')}{port}"


def environment(**changes: str) -> dict[str, str]:
    """Return the environment in which another process works on this test's database and broker."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return (
        inherited
        | {
            "DJANGO_SETTINGS_MODULE": "clinic.settings_test",
            "CLINIC_MODE": "test",
            "TEST_DATABASE_URL": database_url(),
            "TEST_REDIS_URL": settings.REDIS_URL,
            "PYTHONPATH": str(settings.BASE_DIR),
            "PYTHONUNBUFFERED": "1",
        }
        | changes
    )


def spawn(command: list[str | Path], log: Path, **changes: str) -> subprocess.Popen[bytes]:
    """Start `command` in `environment(**changes)`; it dies with this process, however that ends."""
    fixed = [sys.executable, "-I", "-S", LAUNCHER, os.getpid(), int(signal.SIGKILL), os.getuid(), os.getgid()]
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in [*fixed, *command]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(**changes),
            cwd=settings.BASE_DIR,
            start_new_session=True,
        )


class Worker:
    """One `celery worker` process and its children. Its log stays readable after its end."""

    def __init__(
        self, queue: str, log: Path, *, app: str = "clinic", beat: bool = True, concurrency: int = 1, **changes: str
    ) -> None:
        self.queue, self.log, self._asked = queue, log, False
        self._seen = log.stat().st_size if log.exists() else 0
        command: list[str | Path] = [sys.executable, "-m", "celery", "-A", app, "worker", "-Q", queue]
        command += ["-n", f"{queue}-{os.getpid()}@%h", "--concurrency", str(concurrency), "--loglevel", "INFO"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        self.process = spawn(command + (["-B"] if beat else []), log, **changes)

    def text(self) -> str:
        """Return what this worker has logged."""
        return self.log.read_bytes()[self._seen :].decode(errors="replace")

    def wait_ready(self) -> Worker:
        """Wait until the worker takes messages. Raises AssertionError with its log."""
        wait_until(lambda: "%s ready." in self.text() or self.process.poll() is not None, START_SECONDS)
        assert "%s ready." in self.text(), f"The worker is not ready:\n{self.text()[-3000:]}"
        return self

    def family(self) -> list[psutil.Process]:
        """Return the main process and its children: the pool and beat."""
        try:
            main = psutil.Process(self.process.pid)
            return [main, *main.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """Kill all of it with SIGKILL, at whatever instruction it is."""
        for process in self.family():
            process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Stop all of it with SIGSTOP: alive, holding its locks and leases, doing nothing."""
        for process in self.family():
            process.suspend()

    def resume(self) -> None:
        for process in self.family():
            process.resume()

    def ask_to_stop(self) -> None:
        """Ask it to stop as an operator would; several can be asked before one waits for each."""
        if self.process.poll() is None:
            self.resume()
            self.process.terminate()
            self._asked = True

    def stop(self) -> None:
        """Stop it as an operator would, and end it if it does not obey."""
        if not self._asked:
            self.ask_to_stop()
        if self.process.poll() is None:
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
