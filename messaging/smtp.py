"""SMTP that knows how far it came.

The final dot is the moment after which a message may have arrived: before it nothing has, whatever breaks; after it
only the server's answer tells. smtplib raises the same error on both sides, so the phase is kept beside it.
"""

from __future__ import annotations

import re
import smtplib
import socket
import time
from enum import IntEnum
from typing import Any

from django.core.mail.backends.smtp import EmailBackend as DjangoBackend


class Phase(IntEnum):
    """How far a conversation came."""

    CONNECT = 0
    ENVELOPE = 1
    TEXT = 2
    DOT = 3
    ACCEPTED = 4


class DeadlinePassed(smtplib.SMTPException):
    """The right to send this message ran out before its final dot; it did not leave."""


class _Phased(smtplib.SMTP):
    """A conversation that remembers its phase, and sends the final dot apart, only while it may."""

    phase = Phase.CONNECT
    deadline = float("inf")

    def mail(self, sender: str, options: Any = ()) -> tuple[int, bytes]:
        """Begin a message; now a break of the connection is no longer the fault of connecting."""
        self.phase = Phase.ENVELOPE
        if self.sock is not None:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else the dot waits for the text's receipt
        return super().mail(sender, options)

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send the text, then the dot, and return the server's answer to it."""
        code, answer = self.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, answer)
        self.phase = Phase.TEXT
        text = re.sub(rb"(?m)^\.", b"..", msg)
        self.send(text if text.endswith(b"\r\n") else text + b"\r\n")
        if time.monotonic() >= self.deadline:
            self.close()
            raise DeadlinePassed("The lease ran out before the final dot.")
        self.phase = Phase.DOT
        self.send(b".\r\n")
        code, answer = self.getreply()
        if code == 250:
            self.phase = Phase.ACCEPTED
        elif 400 <= code < 600:  # a clear no; anything else leaves open what became of it
            self.phase = Phase.TEXT
        return code, answer


class _PhasedSSL(_Phased, smtplib.SMTP_SSL):
    """The same, inside TLS from the start."""


class EmailBackend(DjangoBackend):
    """Django's SMTP backend, with phases: the `EMAIL_BACKEND` of this product."""

    connection: Any
    _partial_connection: Any

    @property
    def connection_class(self) -> Any:
        """Return the class of the conversations."""
        return _PhasedSSL if self.use_ssl else _Phased

    @property
    def phase(self) -> Phase:
        """Return how far the current conversation came."""
        return Phase.CONNECT if self.connection is None else self.connection.phase

    def prepare(self, deadline: float) -> None:
        """Get ready for one message that may be sent until `deadline` (time.monotonic())."""
        self.connection.phase = Phase.CONNECT
        self.connection.deadline = deadline

    @property
    def is_open(self) -> bool:
        """Tell whether there is a connection that was not closed from this side."""
        return self.connection is not None and self.connection.sock is not None

    def drop(self) -> None:
        """Forget the connection without a word to the server: it is broken, or hangs."""
        for one in (self.connection, self._partial_connection):
            if one is not None:
                one.close()
        self.connection = self._partial_connection = None
