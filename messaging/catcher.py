"""The demo's mailbox: what was sent over real SMTP, kept as files for the page /mail/."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings

KEPT = 1000
ID = re.compile(r"\d{19,20}-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Caught:
    """One message as it arrived."""

    id: str
    sender: str
    to: str
    subject: str
    date: str
    message_id: str
    language: str
    text: str
    html: str


def directory() -> Path:
    """Return where the messages lie, making it if need be."""
    path = Path(settings.MAILCATCHER_DIR)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)  # what lies here is mail to patients
    return path


def store(content: bytes) -> str:
    """Keep a message and return its id; the oldest go when there are more than KEPT."""
    name = f"{time.time_ns():019d}-{uuid.uuid4().hex[:8]}"
    folder = directory()
    part = folder / f".{name}.part"
    part.write_bytes(content)
    part.rename(folder / f"{name}.eml")  # whole or not at all, for who reads meanwhile
    for old in _newest_first(KEPT):
        old.unlink(missing_ok=True)
    return name


def _newest_first(after: int = 0) -> list[Path]:
    """Return the messages but for the newest `after`."""
    folder = directory()
    names = sorted((name for name in os.listdir(folder) if name.endswith(".eml")), reverse=True)
    return [folder / name for name in names[after:]]


def newest(limit: int, to: str = "") -> Iterator[Caught]:
    """Yield the newest messages, or those to one address."""
    for path in _newest_first():
        if limit <= 0:
            return
        caught = read(path.stem)
        if caught is not None and (not to or to.lower() in caught.to.lower()):
            limit -= 1
            yield caught


def read(id: str) -> Caught | None:
    """Return one message, or None if there is none of that id (any more)."""
    if not ID.fullmatch(id):
        return None
    try:
        content = (directory() / f"{id}.eml").read_bytes()
    except FileNotFoundError:
        return None
    message = message_from_bytes(content, policy=policy.default)
    return Caught(
        id=id,
        sender=str(message["From"] or ""),
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        date=str(message["Date"] or ""),
        message_id=str(message["Message-ID"] or ""),
        language=str(message["Content-Language"] or ""),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body is not None else ""
