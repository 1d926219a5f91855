"""`manage.py seed`: the demo's clinics, people, patients and visits."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinic.errors import ClinicError
from staff import demo


class Command(BaseCommand):
    """Fill the demo."""

    help = (
        "Add the demo's clinics, logins, patients and today's visits, as far as they are missing. Never in production."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, and say who can sign in."""
        try:
            demo.seed()
        except ClinicError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Logins, all with the password “{demo.PASSWORD}”:")
        for login in demo.LOGINS:
            self.stdout.write(f"  {login.username:<28} {login.label}")
