"""Bring a fact's value to what operators compare; None for a value of another type, which is unknown."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from .text import fold

BOUND = 1e300
"""Beyond it a number is none: PostgreSQL's doubles end soon after."""
# Two plain forms only, whole: a text that a person typed is no date by accident, and SQL can tell the same.
DATE_FORM = r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}"
MOMENT_FORM = (
    DATE_FORM + r"T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
)
_DATE, _MOMENT = re.compile(DATE_FORM), re.compile(MOMENT_FORM)


def _number(value: Any) -> Any:
    return value if type(value) in (int, float) and -BOUND < value < BOUND else None


def _text(value: Any) -> str | None:
    return fold(value) if isinstance(value, str) else None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _date(value: Any) -> date | None:
    return _moment(value) if isinstance(value, str) else None


@lru_cache(maxsize=8192)
def _moment(value: str) -> date | None:
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
        return datetime.fromisoformat(value).astimezone(UTC) if _MOMENT.fullmatch(value) else None
    except ValueError:
        return None


def _members(value: Any) -> frozenset[str] | None:
    return frozenset(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else None


def _anything(value: Any) -> Any:
    return None if value is None or value in ("", [], {}) else value


USABLE: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "text": _text,
    "choice": _word,
    "reference": _word,
    "boolean": _flag,
    "date": _date,
    "list": _members,
    "any": _anything,
}
