"""Kept messages as people read them: where a secret stood in the mail (messaging/sealed.py), an ellipsis stands."""

from __future__ import annotations

from messaging.sealed import MARK


def without_marks(text: str) -> str:
    """Return a kept text or HTML document with "…" for each mark."""
    return MARK.sub("…", text)
