"""A real push service on this machine: it checks who signs, decrypts as a browser does, answers by its script."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from messaging.subscriptions import Browser
from messaging.vapid import b64, public_key, unb64

HANG_UP = "hang up"
"""Take the message and close the connection without an answer."""
HANG = "hang"
"""Take the message and say nothing until the other side gives up."""


class Device:
    """A browser that has subscribed: its keys, and the address at the push service that leads to it."""

    def __init__(self, server: PushServer, number: int, key: str) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._secret = bytes(range(number, number + 16))
        self.path, self.key = f"/device/{number}", key
        self.endpoint = f"http://127.0.0.1:{server.port}{self.path}"

    @property
    def browser(self) -> Browser:
        """Return what its page posts."""
        point = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return Browser(endpoint=self.endpoint, p256dh=b64(point), auth=b64(self._secret), key=self.key)

    def decrypt(self, body: bytes) -> bytes:
        """Decrypt one message (RFC 8291); an error for one that is meant for another browser."""
        clear: bytes = http_ece.decrypt(body, private_key=self._private, auth_secret=self._secret, version="aes128gcm")
        return clear


@dataclass(frozen=True)
class Pushed:
    """One message that arrived."""

    device: Device
    payload: dict[str, Any]
    headers: dict[str, str]
    claims: dict[str, Any]
    body: bytes


@dataclass
class PushServer:
    """Run it as a context manager; `port` is then where it listens.

    `answers` is a script: one status a message (or (status, headers), or a constant above), the last for ever. `taken`
    are the messages that it answered 201 to; `seen` are all that arrived whole.
    """

    answers: list[Any] = field(default_factory=lambda: [201])
    taken: list[Pushed] = field(default_factory=list)
    seen: list[Pushed] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    devices: dict[str, Device] = field(default_factory=dict)
    on_message: Callable[[], None] | None = None
    port: int = 0

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.push = self  # type: ignore[attr-defined]
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def device(self, key: str | None = None) -> Device:
        """Return one more browser, subscribed with a public key (default: today's)."""
        made = Device(self, len(self.devices) + 1, key or public_key())
        self.devices[made.path] = made
        return made

    def next_answer(self) -> Any:
        """Take the next answer; the last stays."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def judge(self, authorization: str, device: Device) -> dict[str, Any] | None:
        """Return the claims of whoever signed, if it is who the browser subscribed with and they hold here and now."""
        if not authorization.startswith("vapid t=") or not Vapid02.verify(authorization):
            return None
        token, _comma, key = authorization.removeprefix("vapid t=").partition(",k=")
        claims: dict[str, Any] = json.loads(unb64(token.split(".")[1]))
        for_us = claims["aud"] == f"http://127.0.0.1:{self.port}"
        in_time = time.time() < claims["exp"] <= time.time() + 24 * 3600
        whom = str(claims["sub"]).startswith(("mailto:", "https://"))
        return claims if key == device.key and for_us and in_time and whom else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def do_POST(self) -> None:
        """Take one message."""
        push = cast(PushServer, self.server.push)  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        device = push.devices.get(urlsplit(self.path).path)
        if device is None:
            return self._answer(404, {}, "no such subscription")
        claims = push.judge(self.headers.get("Authorization", ""), device)
        if claims is None:
            push.refused.append(self.headers.get("Authorization", ""))
            return self._answer(403, {}, "the key does not match")
        message = Pushed(device, json.loads(device.decrypt(body)), dict(self.headers.items()), claims, body)
        push.seen.append(message)
        if push.on_message is not None:
            push.on_message()
        answer = push.next_answer()
        if answer in (HANG_UP, HANG):
            if answer == HANG:
                self.connection.recv(1)  # until the other side goes
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return None
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        if status == 201:
            push.taken.append(message)
        return self._answer(status, headers, f"scripted {status}")

    def _answer(self, status: int, headers: dict[str, str], text: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


def to_json(browser: Browser) -> str:
    """Write a browser as its page posts it."""
    return json.dumps(
        {"endpoint": browser.endpoint, "p256dh": browser.p256dh, "auth": browser.auth, "key": browser.key}
    )
