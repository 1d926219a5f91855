"""Collect what is wrong with outside data, all of it, each with its place and remedy."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (JSON Pointer), a code for machines, and what to do about it."""

    path: str
    code: str
    message: str

    def as_json(self) -> dict[str, str]:
        """Give it as the API's `errors` show it."""
        return {"path": self.path, "code": self.code, "message": self.message}


class RuleInvalid(Exception):
    """Outside data is no valid rule. `errors` names every problem found."""

    def __init__(self, errors: Iterable[Problem]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(f"{one.path or '/'}: {one.message}" for one in self.errors))


class Problems:
    """Gather problems while parsing goes on; at one place the first one stands."""

    def __init__(self) -> None:
        self._by_path: dict[str, Problem] = {}

    def add(self, path: str, code: str, message: str) -> None:
        """Note a problem; past the hundredth no more are kept."""
        if len(self._by_path) < MAX_PROBLEMS:
            self._by_path.setdefault(path, Problem(path, code, message))

    def __bool__(self) -> bool:
        return bool(self._by_path)

    def __len__(self) -> int:
        return len(self._by_path)

    def raise_if_any(self) -> None:
        """Raise RuleInvalid with everything noted so far, if anything."""
        if self._by_path:
            raise RuleInvalid(self._by_path.values())


def child(path: str, key: Any) -> str:
    """Give the JSON Pointer of a member."""
    name = key if isinstance(key, str) else shown(key)
    return f"{path}/{name[:100].replace('~', '~0').replace('/', '~1')}"


def shown(value: Any) -> str:
    """Show a hostile value in a message: short, and never failing (a huge int has no repr)."""
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:40] + "…")
    if value is None or isinstance(value, bool | float):
        return {"None": "null", "True": "true", "False": "false"}.get(repr(value), repr(value))
    if isinstance(value, int):
        return repr(value) if abs(value) < 10**30 else "a huge number"
    return {"dict": "an object", "list": "a list"}.get(type(value).__name__, f"a {type(value).__name__}")


def nearest(value: Any, known: Collection[str]) -> str:
    """Suggest what was probably meant, as the end of a message; "" when nothing is near."""
    if not isinstance(value, str) or len(value) > 80:
        return ""
    near = difflib.get_close_matches(value, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def one_of(words: Collection[str]) -> str:
    """List the allowed words for a message, not more than fit."""
    some = list(words)
    return ", ".join(some[:12]) + (", …" if len(some) > 12 else "")
