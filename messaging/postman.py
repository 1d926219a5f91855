"""The carriers of all channels, so that a batch of mixed messages has one place to hand each to."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from messaging.policy import Outcome
from messaging.push import Pusher, PushMessage
from messaging.transport import Mailer


class Postman:
    """Hands each message to the carrier of its kind; what a carrier keeps open is kept for the batch."""

    def __init__(self) -> None:
        self._mailer, self._pusher, self._open = Mailer(), Pusher(), ExitStack()

    def __enter__(self) -> Self:
        self._open.enter_context(self._mailer)
        self._open.enter_context(self._pusher)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.__exit__(kind, error, at)

    def send(self, message: Any, deadline: float) -> Outcome:
        """Send one message if that can begin before `deadline` (time.monotonic()). Never raises for the network."""
        if isinstance(message, PushMessage):
            return self._pusher.send(message, deadline)
        return self._mailer.send(message, deadline)
