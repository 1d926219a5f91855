"""`manage.py second_factor EMAIL`: who has a second factor, and how it is taken away when nobody else can."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.second_factor import has_second_factor, take_from


class Command(BaseCommand):
    """Look at a person's second factor, or take it away."""

    help = "Say whether a person has a second factor; with --take-away it is gone, and their sessions end."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whose it is."""
        parser.add_argument("email", help="what the person signs in with")
        parser.add_argument("--take-away", action="store_true", help="as when the phone is lost")

    def handle(self, *args: Any, email: str, take_away: bool, **options: Any) -> None:
        """Look, and take."""
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            raise CommandError(f"Nobody signs in as {email}.")
        if take_away and take_from(user):
            self.stdout.write(f"The second factor of {user.email} is gone; a new one can be set up.")
        else:
            self.stdout.write(f"{user.email} has {'a' if has_second_factor(user) else 'no'} second factor.")
