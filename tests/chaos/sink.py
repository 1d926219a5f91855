"""A real SMTP server in a process of its own: `python -m tests.chaos.sink PORT_FILE MAIL_FILE`.

Each message that it takes is one line in MAIL_FILE, written before the sender hears of it: moment, Message-ID, how it
was answered. Now and then it asks to come again later, and now and then it takes a message and hangs up without a
word, which leaves the sender not knowing.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from email import message_from_bytes
from pathlib import Path
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

LATER_EVERY, SILENT_EVERY = 41, 29


class Sink:
    """What the SMTP conversations report to."""

    def __init__(self, mails: Path) -> None:
        self.file = os.open(mails, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.count = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a message, or put it off."""
        self.count += 1
        if self.count % LATER_EVERY == 0:
            return "451 4.3.2 come again later"
        content: Any = envelope.content
        silent = self.count % SILENT_EVERY == 0
        message_id = str(message_from_bytes(content)["Message-ID"]).strip()
        os.write(self.file, f"{time.time():.6f} {message_id} {'silent' if silent else 'ok'}\n".encode())
        if silent:
            cast(asyncio.Transport, server.transport).abort()
        return "250 2.0.0 taken"


async def serve(port_file: Path, mails: Path) -> None:
    """Listen on a free port, tell it, and go on until the end."""
    sink = Sink(mails)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, hostname="sink.test", enable_SMTPUTF8=True), "127.0.0.1", 0)
    fresh = port_file.with_suffix(".new")
    fresh.write_text(str(server.sockets[0].getsockname()[1]))
    fresh.rename(port_file)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
