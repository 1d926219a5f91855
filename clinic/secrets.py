"""Secrets that a link or a cookie carries: random ones of which a digest is kept, and ones that can be made again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from django.conf import settings


def new_secret() -> str:
    """Return a secret that nobody can guess, fit for an address and a cookie."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """Return what is kept of a secret: its SHA-256, in hexadecimal. A secret of 256 random bits needs no salt."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def derived(purpose: str, salt: str, digest: str = "") -> str:
    """Return the secret that the site's key makes of a salt: the same each time, and never stored.

    With `digest`, it is the secret of that digest, also if an earlier key made it; empty if none of the keys did.
    """
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        made = hmac.new(key.encode(), f"{purpose}:{salt}".encode(), hashlib.sha256).digest()
        secret = base64.urlsafe_b64encode(made).rstrip(b"=").decode()
        if not digest or hmac.compare_digest(digest_of(secret), digest):
            return secret
    return ""
