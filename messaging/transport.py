"""Hand a message to whatever EMAIL_BACKEND names and say exactly how that ended."""

from __future__ import annotations

import re
import smtplib
import socket
from types import TracebackType
from typing import Any, Self

from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused
from django.core.mail import EmailMultiAlternatives, get_connection

from messaging.policy import Outcome, Result
from messaging.smtp import DeadlinePassed, EmailBackend, Phase

NO_SUCH_ADDRESS = re.compile(r"^55[0-4][ -]5\.1\.\d{1,3}\b")
LONGEST_ANSWER = 500


def server_words(code: int, text: bytes | str) -> str:
    """Return a server's answer as one line: "550 5.1.1 no such user"."""
    plain = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(plain.split())}"[:LONGEST_ANSWER]


def by_code(code: int, text: bytes | str, *, about_address: bool = False) -> Outcome:
    """Judge an answer: 4xx may be tried again, 5xx never; only one about the address can be a bounce."""
    words = server_words(code, text)
    if 400 <= code < 500:
        return Outcome(Result.TEMPORARY, words)
    bounced = about_address and NO_SUCH_ADDRESS.match(words) is not None
    return Outcome(Result.REFUSED, words, bounced=bounced)


def judge_smtp(error: Exception, phase: Phase) -> Outcome:
    """Say what an error means, knowing how far the conversation came."""
    if phase is Phase.ACCEPTED:
        return Outcome(Result.SENT)
    if phase is Phase.DOT:
        return Outcome(Result.UNKNOWN, _short(error), reason="connection_lost")
    if isinstance(error, ValueError | smtplib.SMTPNotSupportedError):  # an address or header that cannot be written
        return Outcome(Result.REFUSED, _short(error))
    if phase is Phase.CONNECT:  # refused, no route, TLS, login: nothing was said about this message
        return Outcome(Result.UNREACHABLE, _short(error))
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return by_code(code, text, about_address=True)
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 400:
        return by_code(error.smtp_code, error.smtp_error)
    if isinstance(error, DeadlinePassed):
        return Outcome(Result.NOT_TRIED, _short(error))
    return Outcome(Result.TEMPORARY, _short(error))


def judge_other(error: Exception) -> Outcome:
    """Say what an error of another backend means; whatever does not clearly say "no" may have left."""
    if isinstance(error, AnymailRecipientsRefused):
        return Outcome(Result.REFUSED, _short(error))
    if isinstance(error, AnymailAPIError) and error.status_code is not None:
        if error.status_code == 429:
            return Outcome(Result.TEMPORARY, _short(error))
        if 400 <= error.status_code < 500 and error.status_code != 408:
            return Outcome(Result.REFUSED, _short(error))
        return Outcome(Result.UNKNOWN, _short(error), reason="connection_lost")
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return Outcome(Result.UNREACHABLE, _short(error))
    if isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException):
        return judge_smtp(error, Phase.ENVELOPE)
    return Outcome(Result.UNKNOWN, _short(error), reason="connection_lost")


def _short(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return server_words(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"[:LONGEST_ANSWER]


class Mailer:
    """One connection for a batch of messages; it is opened when the first leaves and again after it broke."""

    def __init__(self) -> None:
        self._backend: Any = get_connection()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._backend.close()
        except (OSError, smtplib.SMTPException):
            # A server that does not even say goodbye changes nothing about what was sent.
            if isinstance(self._backend, EmailBackend):
                self._backend.drop()

    def send(self, message: EmailMultiAlternatives, deadline: float) -> Outcome:
        """Send one message if that is possible before `deadline` (time.monotonic()). Never raises for the network."""
        if not isinstance(self._backend, EmailBackend):
            return self._send_otherwise(message)
        reused = self._backend.is_open
        outcome = self._converse(message, deadline)
        if reused and outcome.result is Result.TEMPORARY and not self._backend.is_open:
            # The server hung up on a connection that had served another message; nothing of this one had left.
            outcome = self._converse(message, deadline)
        return outcome

    def _converse(self, message: EmailMultiAlternatives, deadline: float) -> Outcome:
        backend = self._backend
        try:
            backend.open()
            backend.prepare(deadline)
            backend.send_messages([message])
        except (OSError, smtplib.SMTPException, ValueError) as error:
            phase = backend.phase
            if not self._in_step(error, phase):
                backend.drop()
            return judge_smtp(error, phase)
        return Outcome(Result.SENT)

    def _in_step(self, error: Exception, phase: Phase) -> bool:
        """Tell whether the server answered and waits for the next message; after a refused DATA it does not."""
        if isinstance(error, smtplib.SMTPDataError) and phase < Phase.TEXT:
            return False
        answered = isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused)
        return answered and self._backend.is_open

    def _send_otherwise(self, message: EmailMultiAlternatives) -> Outcome:
        try:
            self._backend.send_messages([message])
        except Exception as error:  # what a backend of somebody else raises is not known here
            return judge_other(error)
        return Outcome(Result.SENT)
