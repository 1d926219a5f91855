"""A language in which every translated text stands in ⟦brackets⟧, so that what nobody marked for translation shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

from django.utils.translation import trans_real

CODE = "xx"
CONTEXT = "\x04"
SPOKEN = ("aria-label", "title", "placeholder", "alt")
UNSPOKEN = ("script", "style", "svg", "template")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Pseudo:
    """What Django asks of a language's catalog."""

    def gettext(self, message: str) -> str:
        """Put the message into brackets."""
        return f"⟦{message.rpartition(CONTEXT)[2]}⟧"

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """Choose as English does."""
        return self.gettext(singular if number == 1 else plural)

    def to_language(self) -> str:
        """Give the code."""
        return CODE

    language = to_language


def install() -> None:
    """Add the language to this process."""
    trans_real._translations[CODE] = Pseudo()  # type: ignore[attr-defined]


class Words(HTMLParser):
    """Gather all that a page says: its texts and the attributes that are read out. `translate="no"` is skipped."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the attributes say, and whether what stands inside is for nobody's eyes."""
        known = dict(attrs)
        quiet = tag in UNSPOKEN or known.get("translate") == "no" or bool(self._open and self._open[-1][1])
        if not quiet:
            self.said += [str(known[name]) for name in SPOKEN if known.get(name)]
            if tag == "input" and known.get("type") in ("submit", "button", "reset") and known.get("value"):
                self.said.append(str(known["value"]))
        if tag not in VOID:
            self._open.append((tag, quiet))

    def handle_endtag(self, tag: str) -> None:
        """Leave the element."""
        while self._open:
            if self._open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if not (self._open and self._open[-1][1]):
            self.said.append(data)


VARIABLE = re.compile(r"\{\{.*?\}\}")
BRACKETED = re.compile(r"⟦[^⟦⟧]*⟧")
LETTERS = re.compile(r"[^\W\d_]{2,}")


def untranslated(html: str, data: Iterable[str]) -> list[str]:
    """Return the pieces of a page that stand outside of brackets and are no stored data."""
    words, found = Words(), []
    words.feed(html)
    known = "|".join(re.escape(one) for one in sorted({one for one in data if one.strip()}, key=len, reverse=True))
    stored = re.compile(rf"(?<!\w)(?:{known})(?!\w)") if known else None
    for text in words.said:
        rest = VARIABLE.sub(" ", text)
        while BRACKETED.search(rest):
            rest = BRACKETED.sub(" ", rest)
        rest = stored.sub(" ", rest) if stored else rest
        if LETTERS.search(rest):
            found.append(" ".join(rest.split()))
    return found
