"""`manage.py catch_mail`: a small SMTP server that keeps what it gets, for the demo's page /mail/."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from messaging import catcher

HOST = "127.0.0.1"


class Keep:
    """Take every message."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the message."""
        content = envelope.content or b""
        catcher.store(content if isinstance(content, bytes) else content.encode())
        return "250 2.0.0 kept"


class Command(BaseCommand):
    help = "Listen on MAILCATCHER_PORT and keep every message for the page /mail/ (demo and tests only)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.CLINIC_MODE not in ("demo", "test"):
            raise CommandError("Caught mail lies open to whoever can reach the page, so this runs in the demo only.")
        try:
            asyncio.run(self._serve())
        except OSError as error:
            raise CommandError(
                f"Port {settings.MAILCATCHER_PORT} cannot be used ({error.strerror}). "
                "Name a free one: MAILCATCHER_PORT=2525"
            ) from error

    async def _serve(self) -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        server = await loop.create_server(
            lambda: SMTP(Keep(), hostname="localhost", enable_SMTPUTF8=True), HOST, settings.MAILCATCHER_PORT
        )
        port = server.sockets[0].getsockname()[1]
        self.stdout.write(f"Catching mail on {HOST}:{port}")
        self.stdout.flush()
        await ended.wait()
        server.close()
