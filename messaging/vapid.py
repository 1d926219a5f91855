"""The keys with which this installation signs what it sends to push services (VAPID, RFC 8292).

The first key is the one that browsers subscribe with now; the others still serve those who subscribed with them.
"""

from __future__ import annotations

import base64
import os
import time
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.core import checks
from py_vapid import Vapid02

GOOD_FOR_SECONDS = 12 * 3600
"""How long a signature holds; push services take a day at most."""


def b64(raw: bytes) -> str:
    """Write bytes as push services do: base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    """Read base64url with or without padding. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def new_key() -> str:
    """Make a private key, as VAPID_PRIVATE_KEY takes it."""
    pair = Vapid02()
    pair.generate_keys()
    return b64(pair.private_key.private_numbers().private_value.to_bytes(32, "big"))


@lru_cache(maxsize=16)
def _pair(text: str) -> tuple[str, Any]:
    """Return (public key, signer) of a private key. Raises ValueError."""
    if len(unb64(text)) != 32:
        raise ValueError("A VAPID key is 32 bytes in base64url.")
    signer = Vapid02.from_raw(text.encode())
    return b64(signer.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)), signer


def _kept(path: Path) -> str:
    """Return the key made for this checkout, the same at every start and for every process."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f"{path.name}.{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(new_key())
        try:
            os.link(made, path)  # whole or not at all, and the first one stays
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text().strip()


def _texts() -> list[str]:
    current = settings.VAPID_PRIVATE_KEY
    if not current and settings.CLINIC_MODE != "production":
        current = _kept(settings.LOCAL_DIR / "vapid_key")
    return [current, *settings.VAPID_OLD_PRIVATE_KEYS] if current else []


def public_key() -> str:
    """Return the key that a browser subscribes with now; empty where there is no web push."""
    texts = _texts()
    return _pair(texts[0])[0] if texts else ""


def public_keys() -> set[str]:
    """Return the keys of which there are signatures."""
    return {_pair(text)[0] for text in _texts()}


def authorization(endpoint: str, public: str) -> str | None:
    """Sign for the push service of `endpoint`, for a browser that subscribed with `public`; None: no such key now."""
    signer = dict(_pair(text) for text in _texts()).get(public)
    if signer is None:
        return None
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + GOOD_FOR_SECONDS,
        "sub": settings.VAPID_SUBJECT or f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}",
    }
    header: str = signer.sign(claims)["Authorization"]
    return header


def check_keys(**_: Any) -> list[checks.CheckMessage]:
    """Refuse keys that nothing can be signed with before the program starts."""
    try:
        if (public := public_key()) and public_keys():
            authorization("https://push.example/x", public)
    except Exception as error:  # py_vapid has errors of its own kind for a subject
        return [
            checks.Error(f"VAPID_PRIVATE_KEY, VAPID_OLD_PRIVATE_KEYS or VAPID_SUBJECT: {error}", id="messaging.E001")
        ]
    return []
