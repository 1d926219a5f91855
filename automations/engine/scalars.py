"""Check single values of outside data. Each function gives the value, or notes a problem and gives BAD."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from datetime import date, time
from typing import Any, Final

from .moments import CALENDAR_UNITS, MAX_AMOUNT, UNITS
from .problems import Problems, child, nearest, one_of, shown

MAX_NUMBER = 10**12
MAX_TEXT = 200
MAX_LONG_TEXT = 10_000
MAX_OFFSET = {"days": 3_660, "weeks": 520, "months": 120}
MAX_MEMBERS = 100
EARLIEST, LATEST = date(1800, 1, 1), date(2200, 12, 31)


class _Bad:
    """Stand for a value that was refused."""

    def __repr__(self) -> str:
        return "BAD"


BAD: Final = _Bad()


def number(raw: Any, path: str, problems: Problems, minimum: float | None = None, maximum: float | None = None) -> Any:
    """Check a finite number of at most ±1e12, within the bounds."""
    if type(raw) not in (int, float):
        problems.add(path, "type", f"Write a number here, not {shown(raw)}.")
        return BAD
    low, high = -MAX_NUMBER if minimum is None else minimum, MAX_NUMBER if maximum is None else maximum
    if not (low <= raw <= high) or (isinstance(raw, float) and not math.isfinite(raw)):
        problems.add(path, "range", f"Write a number from {low:g} to {high:g}, not {shown(raw)}.")
        return BAD
    return raw


def integer(raw: Any, path: str, problems: Problems, minimum: float | None = None, maximum: float | None = None) -> Any:
    """Check a whole number within the bounds."""
    if type(raw) is not int:
        problems.add(path, "type", f"Write a whole number here, not {shown(raw)}.")
        return BAD
    return number(raw, path, problems, minimum, maximum)


def boolean(raw: Any, path: str, problems: Problems) -> Any:
    """Check true or false."""
    if type(raw) is not bool:
        problems.add(path, "type", f"Write true or false here, not {shown(raw)}.")
        return BAD
    return raw


def unstorable(text: str) -> str | None:
    """Say why a text cannot be stored in the database, or None."""
    if "\x00" in text:
        return "Remove the NUL character; it cannot be stored."
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        return "Remove the broken character (half of a surrogate pair); it cannot be stored."
    return None


def text(raw: Any, path: str, problems: Problems, longest: int = MAX_TEXT, blank: bool = False) -> Any:
    """Check a storable text of at most `longest` characters; `blank` allows one without content."""
    if not isinstance(raw, str):
        problems.add(path, "type", f"Write text here, not {shown(raw)}.")
        return BAD
    if len(raw) > longest:
        problems.add(path, "too_long", f"Shorten this text to {longest} characters; it has {len(raw)}.")
        return BAD
    if (why := unstorable(raw)) is not None:
        problems.add(path, "text", why)
        return BAD
    if not blank and not raw.strip():
        problems.add(path, "blank", "Write something here; the text is empty.")
        return BAD
    return raw


def word(raw: Any, allowed: Collection[str], path: str, problems: Problems, code: str = "choice") -> Any:
    """Check one of a few known words."""
    if not isinstance(raw, str) or raw not in allowed:
        hint = nearest(raw, allowed)
        problems.add(path, code, f"Choose one of {one_of(allowed)}; {shown(raw)} is none of them.{hint}")
        return BAD
    return raw


def day(raw: Any, path: str, problems: Problems) -> Any:
    """Check a date "YYYY-MM-DD" of the years 1800 to 2200."""
    if isinstance(raw, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", raw, re.ASCII):
        try:
            if EARLIEST <= date.fromisoformat(raw) <= LATEST:
                return raw
        except ValueError:
            pass
    problems.add(path, "date", f'Write a date such as "2026-11-24", from 1800 to 2200, not {shown(raw)}.')
    return BAD


def wall_time(raw: Any, path: str, problems: Problems) -> Any:
    """Check a local time "HH:MM" (given as that text)."""
    if isinstance(raw, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", raw, re.ASCII):
        return time.fromisoformat(raw).strftime("%H:%M")
    problems.add(path, "time", f'Write a time such as "09:00", not {shown(raw)}.')
    return BAD


def known_keys(raw: dict[Any, Any], allowed: Collection[str], path: str, problems: Problems) -> None:
    """Refuse keys that nothing reads."""
    for key in raw:
        if key not in allowed:
            hint = nearest(key, allowed) or f" Known here: {one_of(allowed)}."
            problems.add(child(path, key), "unknown_key", f"Remove {shown(key)}; nothing here has that name.{hint}")


def record(raw: Any, keys: Collection[str], path: str, problems: Problems) -> dict[str, Any]:
    """Check an object with these keys only; anything else is noted and taken as empty."""
    if not isinstance(raw, dict):
        problems.add(path, "type", f"Write an object with the keys {one_of(keys)} here, not {shown(raw)}.")
        return {}
    known_keys(raw, keys, path, problems)
    return raw


def span(raw: Any, path: str, problems: Problems, least: int = 1, units: Collection[str] = UNITS) -> Any:
    """Check {"amount": 3, "unit": "months"}."""
    if not isinstance(raw, dict):
        problems.add(path, "type", f'Write an object such as {{"amount": 3, "unit": "months"}} here, not {shown(raw)}.')
        return BAD
    known_keys(raw, ("amount", "unit"), path, problems)
    amount, unit = amount_and_unit(raw, path, problems, least, units)
    return BAD if BAD in (amount, unit) else {"amount": amount, "unit": unit}


def offset(raw: Any, path: str, problems: Problems) -> Any:
    """Check {"amount": -14, "unit": "days"}: that long before (negative) or after a date; calendar units only."""
    if not isinstance(raw, dict):
        problems.add(path, "type", f'Write an object such as {{"amount": -14, "unit": "days"}} here, not {shown(raw)}.')
        return BAD
    known_keys(raw, ("amount", "unit"), path, problems)
    unit = word(raw.get("unit"), CALENDAR_UNITS, child(path, "unit"), problems)
    most = MAX_OFFSET.get(unit, 0) if isinstance(unit, str) else 0
    amount = BAD if unit is BAD else integer(raw.get("amount"), child(path, "amount"), problems, -most, most)
    return BAD if amount is BAD else {"amount": amount, "unit": unit}


def amount_and_unit(
    raw: dict[str, Any], path: str, problems: Problems, least: int = 0, units: Collection[str] = UNITS
) -> tuple[Any, Any]:
    """Check the two keys of a span inside an object that has more."""
    unit = word(raw.get("unit"), units, child(path, "unit"), problems)
    most = MAX_AMOUNT.get(unit, MAX_NUMBER) if isinstance(unit, str) else MAX_NUMBER
    return integer(raw.get("amount"), child(path, "amount"), problems, least, most), unit


def members(raw: Any, path: str, problems: Problems, check: Callable[[Any, str], Any], least: int = 1) -> Any:
    """Check a list of at most 100 values, each by `check(value, path)`."""
    if not isinstance(raw, list):
        problems.add(path, "type", f"Write a list here, not {shown(raw)}.")
        return BAD
    if len(raw) < least:
        problems.add(path, "empty_list", "Choose at least one value; the list is empty.")
        return BAD
    if len(raw) > MAX_MEMBERS:
        problems.add(path, "too_many", f"List at most {MAX_MEMBERS} values; there are {len(raw)}.")
        return BAD
    values = [check(one, child(path, position)) for position, one in enumerate(raw)]
    return BAD if any(one is BAD for one in values) else values
