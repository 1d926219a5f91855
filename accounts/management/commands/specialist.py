"""`manage.py specialist create --clinic north --slug dr-ionescu --email ioana@north.example --name "Dr. Ionescu"`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.permissions import Role
from accounts.selectors import clinic_by_slug
from accounts.services import add_membership
from clinic.errors import ClinicError


class Command(BaseCommand):
    """Add a specialist to a clinic."""

    help = "Add a specialist to a clinic. They sign in once somebody has set their password."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare `create` and what it needs."""
        create = parser.add_subparsers(dest="verb", required=True).add_parser("create", help="add a specialist")
        create.add_argument("--clinic", required=True, help="the clinic's slug")
        create.add_argument("--slug", required=True, help="how rules name the specialist, for example dr-ionescu")
        create.add_argument("--email", required=True)
        create.add_argument("--name", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Add the specialist, or say what is wrong."""
        try:
            member = add_membership(
                clinic=clinic_by_slug(options["clinic"]),
                role=Role.SPECIALIST,
                **{name: options[name] for name in ("slug", "email", "name")},
            )
        except ClinicError as error:
            where = f"--{error.path}: " if error.path in ("clinic", "slug", "email", "name") else ""
            raise CommandError(f"{where}{error.message}") from None
        self.stdout.write(f"{member.name} works at {member.clinic.slug} as {member.slug}.")
