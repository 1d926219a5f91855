"""`manage.py demo`, started for a test in a directory and on a port of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from clinic.embedded.process import socket_directory, wait_until

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 300
"""How long it may take to start: ten times what it takes on a machine with nothing beside it."""
HISTORY_SECONDS = 600
"""How long it may take to start with a history."""
OURS = ("CLINIC_", "TEST_", "DATABASE_URL", "REDIS_URL", "DJANGO_", "PYTEST_", "PORT")


class Demo:
    """A demo in a directory and on a port of this test's own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.environment = clean | {"CLINIC_LOCAL_DIR": str(directory), "PORT": str(self.port), "PYTHONUNBUFFERED": "1"}
        self.environment |= {"DEMO_DAYS": "0"}
        self.output = directory.parent / "output"
        self.said_first = ""
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside it."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, check=False, cwd=ROOT, env=self.environment, capture_output=True, text=True)

    def start(self, seconds: float = START_SECONDS) -> float:
        """Start it and return after how many seconds it said Ready."""
        began = time.monotonic()
        with self.output.open("wb") as output:
            command = [sys.executable, "manage.py", "demo"]
            process = self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        wait_until(lambda: "Ready: " in self.said() or process.poll() is not None, seconds)
        assert f"Ready: http://127.0.0.1:{self.port}/" in self.said(), self.said()
        return time.monotonic() - began

    def said(self) -> str:
        """Return what it has printed."""
        return self.output.read_text()

    def processes(self) -> list[psutil.Process]:
        """Return its living processes: those with its directory in their environment or arguments."""
        found = []
        places = (str(self.directory), str(socket_directory(self.directory)))  # a long path has its sockets elsewhere
        for process in psutil.process_iter():
            try:
                if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                mine = process.environ().get("CLINIC_LOCAL_DIR") == str(self.directory)
                said = " ".join(process.cmdline())
                if mine or any(place in said for place in places):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def gone(self, seconds: float = 90) -> bool:
        """Wait until nothing of it lives any more."""
        return wait_until(lambda: not self.processes(), seconds)

    def get(self, path: str) -> tuple[int, bytes]:
        """Ask for a page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            return answer.status, answer.read()


@contextmanager
def ended(demo: Demo) -> Iterator[Demo]:
    """Kill what is left of a demo at the end."""
    try:
        yield demo
    finally:
        for process in demo.processes():
            process.kill()
        if demo.process is not None:
            demo.process.wait()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """Return a demo to start from nothing."""
    with ended(Demo(tmp_path / "local")) as demo:
        yield demo


@pytest.fixture(scope="module")
def a_demo_with_a_past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Return a demo that several tests start and stop: making its data takes most of a first start."""
    with ended(Demo(tmp_path_factory.mktemp("demo") / "local")) as demo:
        demo.environment["DEMO_DAYS"] = "2"
        demo.start()
        demo.said_first = demo.said()
        yield demo


@pytest.fixture
def running_demo(a_demo_with_a_past: Demo) -> Demo:
    """Return that demo, started if a test before this one left it stopped."""
    if a_demo_with_a_past.process is None or a_demo_with_a_past.process.poll() is not None:
        a_demo_with_a_past.start()
    return a_demo_with_a_past
