"""Look over outside data before anything reads it: is it JSON at all, and of a size and depth that a rule can have?

It walks with a list of its own instead of recursion, so a depth of a thousand is an answer and not a crash.
"""

from __future__ import annotations

from typing import Any

from .problems import Problem, Problems, RuleInvalid, child, shown
from .scalars import unstorable

MAX_LEVELS = 64
MAX_NODES = 50_000
MAX_CHARACTERS = 500_000


def check_structure(data: Any, problems: Problems, path: str = "") -> None:
    """Note texts that cannot be stored, keys that are no text and values that are no JSON.

    Raises RuleInvalid at once for data that is too deep or too large: nothing else is looked at then.
    """
    stack: list[tuple[Any, str, int]] = [(data, path, 0)]
    nodes = characters = 0
    while stack:
        value, where, level = stack.pop()
        nodes += 1
        if level > MAX_LEVELS:
            raise RuleInvalid([Problem(path, "too_deep", f"Nest less: this is over {MAX_LEVELS} levels deep.")])
        if isinstance(value, str):
            characters += len(value)
            _check_text(value, where, problems)
        elif isinstance(value, dict):
            for key, one in value.items():
                characters += len(key) if isinstance(key, str) else 0
                _check_key(key, where, problems)
                stack.append((one, child(where, key), level + 1))
        elif isinstance(value, list):
            stack.extend((one, child(where, position), level + 1) for position, one in enumerate(value))
        elif not (value is None or isinstance(value, bool | int | float)):
            problems.add(where, "type", f"Write a JSON value here, not {shown(value)}.")
        if nodes + len(stack) > MAX_NODES or characters > MAX_CHARACTERS:
            limits = f"{MAX_CHARACTERS:,} characters and {MAX_NODES:,} values"
            raise RuleInvalid([Problem(path, "too_large", f"Make it smaller: a rule has at most {limits}.")])


def _check_text(value: str, where: str, problems: Problems) -> None:
    # A text this long is refused for its length by whoever reads it; scanning 10 MB for NUL would only take time.
    if len(value) <= MAX_CHARACTERS and (why := unstorable(value)) is not None:
        problems.add(where, "text", why)


def _check_key(key: Any, where: str, problems: Problems) -> None:
    if not isinstance(key, str):
        problems.add(child(where, key), "type", f"Write this key as text; {shown(key)} is none.")
    elif len(key) <= MAX_CHARACTERS and unstorable(key) is not None:
        problems.add(child(where, key), "text", "Remove the key; it has characters that cannot be stored.")
