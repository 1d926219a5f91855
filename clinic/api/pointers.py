"""JSON Pointers (RFC 6901) into what a client sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

NON_FIELD = "non_field_errors"
LONGEST_NAME = 100


def pointer(*parts: Any) -> str:
    """Return the pointer to a place, from its member names and positions."""
    return "".join(f"/{escaped(part)}" for part in parts)


def escaped(part: Any) -> str:
    """Escape one member name for a pointer; a hostile one is cut."""
    return str(part)[:LONGEST_NAME].replace("~", "~0").replace("/", "~1")


def as_pointer(path: str) -> str:
    """Bring a service's path, which may be a field name or "bodies/0/text", to a pointer."""
    return path if not path or path.startswith("/") else f"/{path}"


def flattened(detail: Any, path: str = "") -> Iterable[tuple[str, str, str]]:
    """Yield (pointer, code, message) of each error in what a serializer gives."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from flattened(inner, path if name == NON_FIELD else f"{path}/{escaped(name)}")
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from flattened(inner, f"{path}/{position}" if nested else path)
    else:
        yield path, str(getattr(detail, "code", "invalid")), str(detail)
