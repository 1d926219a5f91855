"""Kept messages as other people may read them: without the links that open something in the reader's name."""

from __future__ import annotations

import re

OPENING = re.compile(r"""(https?://[^\s"'<>?#]*?/)[\w.~:%=-]{24,}(/?)""")
"""An address with a part as long as only a signed or a random one is."""


def without_links(text: str) -> str:
    """Return a text or an HTML document with the long part of such addresses left out."""
    return OPENING.sub(r"\1…\2", text)
