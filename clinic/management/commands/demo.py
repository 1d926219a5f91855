"""`manage.py demo`: the whole product on this machine, in one foreground process group."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from clinic.embedded import EmbeddedError, die_with_parent, ensure
from clinic.embedded.process import wait_until
from clinic.running import record
from clinic.supervisor import AlreadyRunning, Child, Stopped, Supervisor

READY_SECONDS = 120


class Command(BaseCommand):
    help = "Start the servers, migrate, seed, and run the web server and the workers until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--with-parent", action="store_true", help="stop when the process that started this ends")

    def handle(self, *args: Any, with_parent: bool, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo seeds passwords that everybody knows, so it does not run in production mode.")
        if with_parent:
            die_with_parent(signal.SIGTERM)
        signal.signal(
            signal.SIGTERM, signal.default_int_handler
        )  # until the supervisor has its own: end through `finally`
        address = f"http://127.0.0.1:{settings.PORT}/"
        supervisor = Supervisor(settings.EMBEDDED_DIR, self._children(), self._say)
        try:
            supervisor.take_over()
        except AlreadyRunning:
            raise CommandError(
                "The demo runs already in this checkout. Stop it first (Ctrl-C where it runs)."
            ) from None
        self._require_free_port()
        try:
            record(settings.EMBEDDED_DIR, {"port": settings.PORT, "mail_port": settings.MAILCATCHER_PORT})
            logins = self._prepare()
            supervisor.start(os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(settings.BASE_DIR)})
            self._wait_until_ready(supervisor, address)
            self._say(f"Ready: {address}")
            self._say(f"Mail that would have been sent: {address}mail/")
            self._say(logins + f"Logs: {settings.LOCAL_DIR / 'log'}   Stop: Ctrl-C")
            supervisor.watch()
        except (Stopped, KeyboardInterrupt):
            self._say("Stopping.")
        finally:
            supervisor.stop()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _children(self) -> list[Child]:
        """Name the processes: what answers the browser, what decides, what leaves the house, and the demo's mailbox."""
        log = settings.LOCAL_DIR / "log"
        python = [sys.executable]
        celery = [
            *python,
            "-m",
            "celery",
            "-A",
            "clinic",
            "worker",
            "--without-gossip",
            "--without-mingle",
            "--loglevel",
            "INFO",
        ]
        web = [
            *python,
            "-m",
            "gunicorn",
            "clinic.wsgi",
            "--bind",
            f"127.0.0.1:{settings.PORT}",
            "--worker-class",
            "gthread",
        ]
        web += ["--workers", "2", "--threads", "8", "--graceful-timeout", "5", "--no-control-socket"]
        children = [
            Child("web", web, log / "web.log"),
            Child(
                "engine", [*celery, "-n", "engine@%h", "-Q", "engine", "-B", "--concurrency", "2"], log / "engine.log"
            ),
            Child("deliver", [*celery, "-n", "deliver@%h", "-Q", "deliver", "--concurrency", "2"], log / "deliver.log"),
        ]
        if "catch_mail" in get_commands():
            children.append(
                Child("mail", [*python, str(settings.BASE_DIR / "manage.py"), "catch_mail"], log / "mail.log")
            )
        return children

    def _prepare(self) -> str:
        """Start the embedded servers, migrate and seed; return what the seed says, which is the logins."""
        if "embedded" in settings.DATABASES["default"]["OPTIONS"]:
            try:
                ensure(settings.EMBEDDED_DIR)
            except EmbeddedError as error:
                raise CommandError(str(error)) from error
        call_command("migrate", interactive=False, verbosity=0)
        said = io.StringIO()
        if "seed" in get_commands():
            call_command("seed", stdout=said)
        connections.close_all()
        return said.getvalue()

    def _require_free_port(self) -> None:
        def free() -> bool:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", settings.PORT))
                except OSError:
                    return False
            return True

        if not wait_until(free, 1):
            raise CommandError(
                f"Port {settings.PORT} is taken by another program. Stop it or choose another one: PORT=8001 make demo"
            )

    def _wait_until_ready(self, supervisor: Supervisor, address: str) -> None:
        """Ask for readiness until it is given. Raises CommandError with the log of a child that dies before."""
        deadline, last = time.monotonic() + READY_SECONDS, ""
        while time.monotonic() < deadline:
            for child in supervisor.dead():
                raise CommandError(f"{child.name} ended before it was ready. The end of {child.log}:\n{child.tail()}")
            try:
                with urllib.request.urlopen(f"{address}healthz/ready", timeout=5):  # noqa: S310
                    return
            except urllib.error.HTTPError as error:
                last = json.loads(error.read() or b"{}").get("failing", error.code)
            except OSError as error:
                last = str(error)
            time.sleep(0.1)
        raise CommandError(f"Not ready after {READY_SECONDS} s ({last}). Logs: {Path(settings.LOCAL_DIR / 'log')}")
