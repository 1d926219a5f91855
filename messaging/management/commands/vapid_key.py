"""`manage.py vapid_key`: make a key for VAPID_PRIVATE_KEY."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from messaging.vapid import new_key


class Command(BaseCommand):
    """Print a new key; nothing is stored."""

    help = "Make a key for VAPID_PRIVATE_KEY, with which web push is signed."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        self.stdout.write(new_key())
