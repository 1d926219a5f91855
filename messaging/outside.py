"""Post to an address that somebody else named: only where that is allowed, and knowing how far it came.

Names are looked up here and the connection goes to the very address that was looked at, so that a name cannot turn
into an address inside the house between the two. No redirect is followed, no proxy asked, and all has one deadline.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPConnection, HTTPException
from urllib.parse import SplitResult, urlsplit

import certifi
from django.conf import settings

LONGEST_ADDRESS = 1000
MOST_READ = 500
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Numbers = list[tuple[socket.AddressFamily, tuple[str, int]]]
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class NotAllowed(ValueError):
    """This address is not one that this program posts to."""


class NotSent(OSError):
    """No byte of the message left."""


class Lost(OSError):
    """The message left, at least in part, and no answer came: it may have arrived."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    text: str
    retry_after: str = ""


def check_address(address: str, hosts: list[str] | None = None) -> SplitResult:
    """Return the parts of an address that may be posted to. Raises NotAllowed.

    https, the usual port and a name that `hosts` allows (`*.name`: every host below it, `*`: any); beside production
    also http on this machine.
    """
    if len(address) > LONGEST_ADDRESS or not address.isascii() or not address.isprintable() or " " in address:
        raise NotAllowed("This is not an address.")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise NotAllowed("This is not an address.") from error
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise NotAllowed("This is not an address.")
    if _is_here(parts):
        return parts
    if parts.scheme != "https" or port not in (None, 443):
        raise NotAllowed("The address must begin with https:// and name no port.")
    if not any(_fits(host, one) for one in (["*"] if hosts is None else hosts)):
        raise NotAllowed(f"{host} is not among the services that are trusted.")
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return parts
    if not is_public(number):
        raise NotAllowed(f"{host} is not a public address.")
    return parts


def _is_here(parts: SplitResult) -> bool:
    """Tell whether it is a server on this machine, and this installation one that may speak to it."""
    return settings.CLINIC_MODE in ("demo", "test") and parts.scheme == "http" and parts.hostname in LOOPBACK


def _fits(host: str, pattern: str) -> bool:
    pattern = pattern.lower()
    return pattern == "*" or host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def is_public(number: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether an address is one of the open internet, also where it wraps another."""
    if isinstance(number, ipaddress.IPv6Address):
        inner = number.ipv4_mapped or number.sixtofour or (number.teredo or (None, None))[1]
        if number in NAT64:
            inner = ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
        if inner is not None and not is_public(inner):
            return False
    return number.is_global and not number.is_multicast and not number.is_reserved


def post(address: str, body: bytes, headers: Mapping[str, str], *, seconds: float, hosts: list[str]) -> Answer:
    """Post and return the answer, all within so many seconds.

    Raises NotAllowed, NotSent (nothing left) or Lost (it may have arrived).
    """
    parts = check_address(address, hosts)
    begun = _Deadline(seconds)
    sock = _connected(parts, begun)
    try:
        return _talk(sock, parts, body, headers)
    except (OSError, HTTPException, ValueError) as error:  # ValueError: TLS that was closed under its hands
        raise Lost(f"{type(error).__name__}: {error}") from error
    finally:
        begun.cancel()
        sock.close()


class _Deadline:
    """Close the conversation's socket when the time is up, however slowly the other side drips."""

    def __init__(self, seconds: float) -> None:
        self._sock: socket.socket | None = None
        self._over = False
        self._lock = threading.Lock()
        self.seconds = seconds
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def guard(self, sock: socket.socket) -> None:
        """Close this one; at once if the time is up already."""
        with self._lock:
            self._sock = sock
            if self._over:
                self._shut(sock)

    def cancel(self) -> None:
        """The conversation is over."""
        self._timer.cancel()

    def _end(self) -> None:
        with self._lock:
            self._over = True
            if self._sock is not None:
                self._shut(self._sock)

    @staticmethod
    def _shut(sock: socket.socket) -> None:
        try:
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # also of a TLS socket the plain one: no goodbye is said
        except OSError:
            return  # closed already


def _connected(parts: SplitResult, deadline: _Deadline) -> socket.socket:
    """Connect, with TLS where the address asks for it. Raises NotAllowed or NotSent."""
    host = parts.hostname or ""
    try:
        sock = _first_that_answers(_numbers(parts), deadline.seconds)
        deadline.guard(sock)
        if parts.scheme == "http":
            return sock
        try:
            return _tls().wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
    except NotAllowed:
        deadline.cancel()
        raise
    except (OSError, ValueError) as error:
        deadline.cancel()
        raise NotSent(f"{type(error).__name__}: {error}") from error


def _numbers(parts: SplitResult) -> Numbers:
    """Look the name up. Raises NotAllowed unless every address is public (on this machine: is this machine's)."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    numbers: Numbers = [(family, (str(address[0]), port)) for family, _kind, _protocol, _name, address in found]
    for _family, (text, _port) in numbers:
        number = ipaddress.ip_address(text.partition("%")[0])
        if not (number.is_loopback if parts.scheme == "http" else is_public(number)):
            raise NotAllowed(f"{parts.hostname} leads to {text}, which is not a public address.")
    return numbers


def _first_that_answers(numbers: Numbers, seconds: float) -> socket.socket:
    problem: OSError = OSError("The name has no address.")
    for family, address in numbers:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(seconds / len(numbers))
        try:
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
            continue
        sock.settimeout(seconds)
        return sock
    raise problem


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


def _talk(sock: socket.socket, parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> Answer:
    connection = HTTPConnection(parts.hostname or "", parts.port or 80)
    connection.sock = sock
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("POST", path, body, {"Host": parts.netloc, "Connection": "close", **headers})
    response = connection.getresponse()
    text = response.read(MOST_READ).decode(errors="replace")
    return Answer(response.status, " ".join(text.split()), response.getheader("Retry-After") or "")
