"""The servers, the workers, the writers and the mail sink of one run, each a process that can be broken."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import psycopg

from clinic.embedded import Postgres, Valkey
from clinic.embedded.process import wait_until
from clinic.testing.workers import Worker, spawn
from tests.chaos import lives, watching
from tests.chaos.scale import Scale
from tests.chaos.writer import Job

WRITERS, THREADS, LIVING = 2, 4, 4
WRITING = ("writer", "lives")
READY = "%s ready."
# The second two let a commit wait for a standby that does not exist: see breaking.break_postgres.
SERVER = {"track_commit_timestamp": "on", "wal_level": "replica", "max_wal_senders": "1"}


class Hand:
    """One worker on duty, known to the database by its name."""

    def __init__(self, house: House, lane: str, number: int) -> None:
        self.lane, self.name = lane, f"{lane}-{number}"
        changes = house.changes(application_name=self.name)
        log = house.directory / f"{self.name}.log"
        self.worker = Worker(lane, log, app="tests.chaos.app", beat=lane == "engine", concurrency=1, **changes)
        self.pids: list[int] = []
        self.frozen_until = 0.0

    @property
    def ready(self) -> bool:
        """Tell whether it takes work; from then on its processes are known."""
        if not self.pids and READY in self.worker.text():
            self.pids = [process.pid for process in self.worker.family()]
        return bool(self.pids) and self.worker.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of its processes at once."""
        for pid in self.pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def kill(self) -> None:
        """Kill all of it; nothing of it is left afterwards."""
        self.signal(signal.SIGKILL)
        self.worker.process.wait()
        gone = [psutil.Process(pid) for pid in self.pids if psutil.pid_exists(pid)]
        psutil.wait_procs(gone, timeout=10)


def lives_of(scale: Scale, journal: str, clinic: int) -> lives.Job:
    """Return the job of the process that lives whole lives beside the stream."""
    return lives.Job(scale.lives, scale.seconds * 0.8, LIVING, journal, clinic)


class House:
    """Everything that runs during one story. The thread that makes it must outlive it."""

    def __init__(self, scale: Scale, directory: Path) -> None:
        self.scale, self.directory = scale, directory
        self.postgres = Postgres(directory / "pg", settings=SERVER)
        self.valkey = Valkey(directory / "vk")
        self.hands: list[Hand] = []
        self.counts = {"engine": 0, "deliver": 0}
        self.writers: list[subprocess.Popen[bytes]] = []
        self.sink: subprocess.Popen[bytes] | None = None
        self._watch: psycopg.Connection | None = None

    @property
    def mails(self) -> Path:
        return self.directory / "mails.log"

    @property
    def journals(self) -> list[Path]:
        return [self.directory / f"journal-{n}.jsonl" for n in range(WRITERS)]

    def changes(self, **options: str) -> dict[str, str]:
        """Return the environment of a process of this house; `options` go to libpq."""
        port = self.directory / "sink.port"
        extra = "".join(f"&{name}={value}" for name, value in options.items())
        return {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "TEST_DATABASE_URL": self.postgres.url + extra,
            "TEST_REDIS_URL": self.valkey.url,
            "TEST_EMAIL_HOST": "127.0.0.1",
            "TEST_EMAIL_PORT": port.read_text() if port.exists() else "9",
            "CHAOS_HASTE": "1" if self.scale.hasty else "0",
            "LOG_LEVEL": "INFO",
        }

    def python(self, module: str, *arguments: str | Path, **options: str) -> subprocess.Popen[bytes]:
        """Start a module of this package; its output goes to a log of its name."""
        log = self.directory / f"{module}.log"
        command: list[str | Path] = [sys.executable, "-m", f"tests.chaos.{module}", *arguments]
        return spawn(command, log, **self.changes(**options))

    # --- from nothing to running ---

    def open(self) -> None:
        """Start the servers and the sink, make the world, and put the workers on duty."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.mails.touch()
        self.postgres.start()
        self.valkey.start()
        self.sink = self.python("sink", self.directory / "sink.port", self.mails)
        world = self.python("world", str(self.scale.patients), self.directory / "world.json")
        assert world.wait(180) == 0, (self.directory / "world.log").read_text()[-3000:]
        assert wait_until((self.directory / "sink.port").exists, 30), "The mail sink does not start."
        watching.install(self.look())
        for lane, count in (("engine", self.scale.engines), ("deliver", self.scale.delivers)):
            for _ in range(count):
                self.hire(lane)
        assert wait_until(lambda: all(hand.ready for hand in self.hands), 120), "The workers do not start."

    def hire(self, lane: str) -> Hand:
        """Put one more worker on duty, without waiting until it is ready."""
        self.counts[lane] += 1
        hand = Hand(self, lane, self.counts[lane])
        self.hands.append(hand)
        return hand

    def write(self) -> None:
        """Let the writers begin."""
        scale = self.scale
        plan = {"events": scale.events, "cancels": scale.cancels, "patients": scale.patients, "seconds": scale.seconds}
        world = json.loads((self.directory / "world.json").read_text())
        for index, journal in enumerate(self.journals):
            job = Job(index, WRITERS, THREADS, str(journal), plan, world["clinic"])
            path = self.directory / f"job-{index}.json"
            path.write_text(json.dumps(asdict(job)))
            self.writers.append(self.python("writer", path, application_name=f"writer-{index}"))
        living = lives_of(scale, str(self.directory / "lives.jsonl"), world["clinic"])
        path = self.directory / "job-lives.json"
        path.write_text(json.dumps(asdict(living)))
        self.writers.append(self.python("lives", path, application_name="lives"))

    def written(self) -> int:
        """Return how many events are known to be committed."""
        return sum(path.read_bytes().count(b"\n") for path in self.journals if path.exists())

    def writing(self) -> bool:
        """Tell whether a writer still works. Raises AssertionError if one failed."""
        ends = [writer.poll() for writer in self.writers]
        assert not any(ends), "".join((self.directory / f"{one}.log").read_text()[-4000:] for one in WRITING)
        return None in ends

    # --- what the one who watches sees ---

    def look(self) -> psycopg.Connection:
        """Return a connection to the database, waiting for one if it is just starting again."""
        until = time.monotonic() + 60
        while self._watch is None or self._watch.closed:
            try:
                self._watch = psycopg.connect(self.postgres.url, autocommit=True, application_name="watcher")
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        return self._watch

    def ask(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Ask the database one question, once more if the connection was lost meanwhile."""
        for last in (False, True):
            try:
                cursor = self.look().execute(query, parameters)
                return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                if last:
                    raise
                self.look().close()
        return []

    # --- and back to nothing ---

    def dismiss(self) -> None:
        """Send the workers home in order."""
        for hand in self.hands:
            hand.signal(signal.SIGCONT)
            hand.worker.stop()
        self.hands.clear()

    def close(self) -> None:
        """End every process of this house."""
        for writer in [*self.writers, *([self.sink] if self.sink else [])]:
            if writer.poll() is None:
                writer.kill()
            writer.wait()
        for hand in self.hands:
            hand.worker.kill()
        if self._watch is not None:
            self._watch.close()
        self.valkey.stop()
        self.postgres.stop("immediate")
