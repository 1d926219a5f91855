"""Drain everything due without Celery; `--at` walks the clock there."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from automations import ticking
from clinic import clock
from clinic.changes import origin
from clinic.errors import ClinicError
from clinic.logs import for_a_terminal


class Command(BaseCommand):
    """Do now what workers would do."""

    help = "Drain everything due. --at TIME walks the clock there, stopping at every due moment (demo and tests)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the time to walk to."""
        parser.add_argument("--at", metavar="TIME", help="RFC 3339 with a zone, for example 2026-12-01T09:00:00+01:00")

    def handle(self, *args: Any, **options: Any) -> None:
        """Drain, or walk and drain. `-v 2` writes the log lines too."""
        with origin("tick"), nullcontext() if options["verbosity"] > 1 else for_a_terminal():
            if options["at"] is None:
                self.stdout.write(f"{clock.now().isoformat()}: {ticking.drain_all()} done")
                return
            try:
                for moment, count in self._walk(options["at"]):
                    if count:
                        self.stdout.write(f"{moment.isoformat()}: {count} done")
            except ClinicError as error:
                raise CommandError(error.message) from error
        self.stdout.write(f"The clock stands at {clock.now().isoformat()}.")

    def _walk(self, text: str) -> Any:
        try:
            target = datetime.fromisoformat(text)
        except ValueError as error:
            raise CommandError(f"{text!r} is not a time; write one like 2026-12-01T09:00:00+01:00.") from error
        return ticking.walk_to(target)
