"""`manage.py seed`: the demo's clinics, people, history and visits."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from clinic.errors import ClinicError
from clinic.logs import for_a_terminal
from staff import demo


class Command(BaseCommand):
    """Fill the demo."""

    help = (
        "Add the demo's clinics, logins, patients and today's visits, as far as they are missing. An empty demo lives "
        "through a history first. Never in production."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the length of the history."""
        said = "days of history in an empty demo (0: none; DEMO_DAYS unless given)"
        parser.add_argument("--days", type=int, default=settings.DEMO_DAYS, help=said)

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        """Seed, and say who can sign in."""
        if not 0 <= days <= 365:
            raise CommandError("Choose between 0 and 365 days.")
        try:
            with for_a_terminal():
                demo.seed(days, say=self.stderr.write)
        except ClinicError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Logins, all with the password “{demo.PASSWORD}”:")
        for login in demo.LOGINS:
            self.stdout.write(f"  {login.username:<28} {login.label}")
