"""Secrets in a message: what is kept of it holds marks, and the mail that leaves holds the secrets.

A delivery keeps the text that was sent. A link that signs somebody in must not stand in it, for staff may read it, and
so may whoever gets a copy of the database. An app therefore writes `mark("form", 12)` into the text and offers
`register("form", open)`: `open(delivery, ids)` gives the secrets of those ids that belong to that very delivery.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from messaging.models import Delivery

MARK = re.compile(r"~([a-z]+)-(\d{1,18})~")

Open = Callable[[Delivery, Collection[int]], Mapping[int, str]]
_kinds: dict[str, Open] = {}


def register(kind: str, secrets: Open) -> None:
    """Say what opens the marks of a kind. Raises ValueError if the kind is taken."""
    if kind in _kinds:
        raise ValueError(f"Marks of the kind {kind!r} are opened by {_kinds[kind]!r} already.")
    _kinds[kind] = secrets


def mark(kind: str, pk: int) -> str:
    """Return what stands in the text for a secret."""
    return f"~{kind}-{pk}~"


def unsealed(delivery: Delivery, *texts: str) -> list[str]:
    """Return the texts with the secrets of this delivery; marks of anything else stay as they are."""
    wanted: dict[str, set[int]] = {}
    for text in texts:
        for kind, pk in MARK.findall(text):
            wanted.setdefault(kind, set()).add(int(pk))
    found = {
        mark(kind, pk): secret
        for kind, ids in wanted.items()
        if kind in _kinds
        for pk, secret in _kinds[kind](delivery, ids).items()
    }
    return [MARK.sub(lambda one: found.get(one.group(0), one.group(0)), text) for text in texts]
