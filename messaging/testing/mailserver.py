"""A real SMTP server that takes, refuses, hangs up or hangs, as its script says."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

logging.getLogger("mail.log").setLevel(logging.WARNING)  # or it writes every conversation down, word for word
HANG_UP_AFTER_DOT = "hang up after the dot"
HANG_AFTER_DOT = "hang after the dot"
HANG_UP_AT_DATA = "hang up at DATA"


@dataclass
class MailServer:
    """Run it as a context manager; `port` is then where it listens.

    `rcpt` and `data` are scripts: one answer a conversation, the last for ever; an answer is a line such as
    "451 later", or one of the constants above for `data`. `taken` are the messages it answered 250 to; `seen` are all
    whose final dot arrived.
    """

    rcpt: list[str] = field(default_factory=lambda: ["250 ok"])
    data: list[str] = field(default_factory=lambda: ["250 ok"])
    taken: list[EmailMessage] = field(default_factory=list)
    seen: list[EmailMessage] = field(default_factory=list)
    connections: int = 0
    on_data: Callable[[], None] | None = None
    port: int = 0

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=[ready], daemon=True)
        self._thread.start()
        assert ready.wait(10), "The mail server did not start."
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def ids(self) -> list[str]:
        """Return the Message-IDs of what was taken, in order."""
        return [str(message["Message-ID"]) for message in self.taken]

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(self._conversation, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _conversation(self) -> SMTP:
        self.connections += 1
        return _Scripted(self, hostname="mail.test", enable_SMTPUTF8=True)

    @staticmethod
    def next_of(script: list[str]) -> str:
        """Take the next answer; the last stays."""
        return script.pop(0) if len(script) > 1 else script[0]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to an address."""
        answer = self.next_of(self.rcpt)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Answer to the final dot."""
        message: Any = message_from_bytes(original(envelope).replace(b"\r\n", b"\n"), policy=policy.default)
        self.seen.append(message)
        if self.on_data is not None:
            await asyncio.get_running_loop().run_in_executor(None, self.on_data)
        answer = self.next_of(self.data)
        if answer == HANG_UP_AFTER_DOT:
            hang_up(server)
            return "250 nobody hears this"
        if answer == HANG_AFTER_DOT:
            await asyncio.sleep(60)
        if answer.startswith("250"):
            self.taken.append(message)
        return answer


def original(envelope: Envelope) -> bytes:
    """Return a message as it arrived."""
    content = envelope.content or b""
    return content if isinstance(content, bytes) else content.encode()


def hang_up(server: SMTP) -> None:
    """Break the connection without a word."""
    cast(asyncio.Transport, server.transport).abort()


class _Scripted(SMTP):
    """aiosmtpd's conversation, which can also hang up before the text."""

    async def smtp_DATA(self, arg: str) -> None:
        """Hang up instead of asking for the text, if the script says so."""
        script = self.event_handler.data
        if script[0] == HANG_UP_AT_DATA:
            self.event_handler.next_of(script)
            hang_up(self)
            return
        await super().smtp_DATA(arg)
