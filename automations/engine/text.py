"""Compare text as people do: without case and without accents."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Bring text to its comparable form: NFKD, accents stripped, casefolded. Spaces stay. Folding twice changes
    nothing.

    Only characters with a combining class are stripped: accents, points and the like, not the vowel signs of Indic
    scripts.
    """
    return _stripped(_stripped(text).casefold())


def _stripped(text: str) -> str:
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
