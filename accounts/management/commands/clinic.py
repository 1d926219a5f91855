"""`manage.py clinic create --slug north --name "North Clinic" --time-zone Europe/Bucharest`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services import create_clinic
from clinic.errors import ClinicError


class Command(BaseCommand):
    """Open a clinic."""

    help = "Open a clinic, without quiet hours and with a minute's undo time."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare `create` and what it needs."""
        create = parser.add_subparsers(dest="verb", required=True).add_parser("create", help="open a clinic")
        create.add_argument("--slug", required=True, help="short name in addresses and rules, for example north")
        create.add_argument("--name", required=True)
        create.add_argument("--time-zone", required=True, help="IANA name, for example Europe/Bucharest")
        create.add_argument("--language", default="en", help="language of messages where the patient has none (en)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Open it, or say what is wrong."""
        names = ("slug", "name", "time_zone", "language")
        try:
            clinic = create_clinic(**{name: options[name] for name in names})
        except ClinicError as error:
            where = f"--{error.path.replace('_', '-')}: " if error.path in names else ""
            raise CommandError(f"{where}{error.message}") from None
        self.stdout.write(f"Clinic {clinic.slug} is open.")
