"""`manage.py reset`: throw away all that the embedded servers hold."""

from __future__ import annotations

import os
import shutil
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from clinic.embedded import open_lock, try_lock
from clinic.embedded.process import socket_directory, wait_until

CONTENTS = (
    "postgres",
    "postgres.new",
    "run",
    "log",
    "mail",
    "postgres.log",
    "valkey.log",
    "keeper.log",
    "keeper.pid",
    "demo.json",
)


class Command(BaseCommand):
    help = "Empty the embedded servers' directory. The next start makes everything anew."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Remove the data, unless a process uses it. DATABASE_URL's own server is never touched."""
        directory = settings.EMBEDDED_DIR
        users = open_lock(directory, "users")
        try:
            if not wait_until(lambda: try_lock(users, exclusive=True), 3):
                raise CommandError(
                    "The embedded servers are in use. Stop the demo (Ctrl-C where it runs) and try again."
                )
            sockets = socket_directory(directory)
            for path in [*(directory / name for name in CONTENTS), sockets]:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        finally:
            os.close(users)
        self.stdout.write(f"Emptied {directory}.")
