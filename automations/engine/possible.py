"""Tell whether conditions can hold together at all, by what they ask of each fact.

It errs on one side: "False" is certain, "True" may be wrong. A tree is split into the ways in which it can hold; in
each way the lines about one fact are looked at together. Lines about different facts never contradict each other here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from .text import fold
from .values import Condition, Group

Line = tuple[Condition, bool]
"""A condition, and whether it must hold or must be false."""
MAX_WAYS = 500
"""Ways that are looked at; a tree with more is taken to be possible."""
INFINITY = float("inf")


def can_hold(*groups: Group, known: Mapping[str, Any] | None = None) -> bool:
    """Tell whether some patient and event could make all these trees true, given the facts that are `known`."""
    ways: list[list[Line]] = [[]]
    for group in groups:
        if group.items:
            ways = [before + way for before in ways for way in _ways(group, True)][: MAX_WAYS + 1]
        if len(ways) > MAX_WAYS:
            return True
    return any(_agree(way, known or {}) for way in ways)


def _ways(item: Group | Condition, holds: bool) -> list[list[Line]]:
    """List the ways in which an item can hold, or be false."""
    if isinstance(item, Condition):
        return [[(item, holds)]]
    below = holds if item.match != "none" else not holds
    each = (item.match == "all") if holds else (item.match == "any")
    if item.match == "none":
        each = holds
    parts = [_ways(one, below) for one in item.items]
    if not each:
        return [way for part in parts for way in part][: MAX_WAYS + 1]
    ways: list[list[Line]] = [[]]
    for part in parts:
        ways = [before + way for before in ways for way in part][: MAX_WAYS + 1]
    return ways


def _agree(lines: Sequence[Line], known: Mapping[str, Any]) -> bool:
    by_fact: dict[tuple[str, str], list[Line]] = {}
    for condition, holds in lines:
        by_fact.setdefault((condition.key, condition.type), []).append((condition, holds))
    return all(_fact_agrees(kind, some, known.get(key)) for (key, kind), some in by_fact.items())


def _fact_agrees(kind: str, lines: Sequence[Line], value: Any) -> bool:
    empty = {(c.op == "is_empty") is holds for c, holds in lines if c.op in ("is_empty", "is_not_empty")}
    asking = [line for line in lines if line[0].op not in ("is_empty", "is_not_empty")]
    if len(empty) == 2 or (True in empty and asking):
        return False
    judge = _JUDGES.get(kind)
    told = [line for line in asking if not line[0].op.startswith("changed")]
    return judge is None or not told or judge(told, value)


def _numbers(lines: Sequence[Line], value: Any) -> bool:
    """Intersect the ranges; what is left must hold a number that nobody excludes."""
    low, high, low_in, high_in = -INFINITY, INFINITY, True, True
    but: set[float] = set()
    for condition, holds in lines:
        op, operand = _NUMBER[condition.op, holds], condition.value
        if op == "ne":
            but.add(operand)
        elif op == "outside":
            continue
        for bound, closed, is_low in _bounds(op, operand):
            if is_low and (bound > low or (bound == low and not closed)):
                low, low_in = bound, closed
            if not is_low and (bound < high or (bound == high and not closed)):
                high, high_in = bound, closed
    if low == high:
        return low_in and high_in and low not in but
    return low < high


_NUMBER: dict[tuple[str, bool], str] = {
    ("eq", True): "eq",
    ("eq", False): "ne",
    ("ne", True): "ne",
    ("ne", False): "eq",
    ("lt", True): "lt",
    ("lt", False): "gte",
    ("lte", True): "lte",
    ("lte", False): "gt",
    ("gt", True): "gt",
    ("gt", False): "lte",
    ("gte", True): "gte",
    ("gte", False): "lt",
    ("between", True): "between",
    ("between", False): "outside",
}


def _bounds(op: str, value: Any) -> list[tuple[float, bool, bool]]:
    """Return (bound, whether it belongs to the range, whether it is the lower one)."""
    closed = op in ("eq", "gte", "lte")
    if op == "between":
        return [(value[0], True, True), (value[1], True, False)]
    found = []
    if op in ("eq", "gt", "gte"):
        found.append((value, closed, True))
    if op in ("eq", "lt", "lte"):
        found.append((value, closed, False))
    return found


def _words(normal: Callable[[str], str]) -> Callable[[Sequence[Line], Any], bool]:
    def judge(lines: Sequence[Line], value: Any) -> bool:
        allowed: set[str] | None = None if value is None else {normal(str(value))}
        for condition, holds in lines:
            given = condition.value if isinstance(condition.value, list) else [condition.value]
            wanted = _WORD.get((condition.op, holds))
            words = {normal(one) for one in given}
            if wanted == "one":
                allowed = words if allowed is None else allowed & words
        barred = {
            normal(one)
            for condition, holds in lines
            if _WORD.get((condition.op, holds)) == "not"
            for one in (condition.value if isinstance(condition.value, list) else [condition.value])
        }
        return allowed is None or bool(allowed - barred)

    return judge


_WORD = {
    ("is", True): "one",
    ("is", False): "not",
    ("is_not", True): "not",
    ("is_not", False): "one",
    ("is_any_of", True): "one",
    ("is_any_of", False): "not",
    ("is_none_of", True): "not",
    ("is_none_of", False): "one",
}


def _flags(lines: Sequence[Line], value: Any) -> bool:
    return len({condition.value is holds for condition, holds in lines}) == 1


def _lists(lines: Sequence[Line], value: Any) -> bool:
    """Whatever the list must hold, nothing may bar; of "any of" one must be left."""
    barred: set[str] = set()
    must: set[str] = set()
    some: list[set[str]] = []
    for condition, holds in lines:
        words = set(condition.value)
        op = condition.op if holds else {"has_any_of": "has_none_of", "has_none_of": "has_any_of"}.get(condition.op, "")
        if op == "has_none_of":
            barred |= words
        elif op == "has_all_of":
            must |= words
        elif op == "has_any_of":
            some.append(words)
    return not must & barred and all(words - barred for words in some)


def _dates(lines: Sequence[Line], value: Any) -> bool:
    """Intersect the days that are written out; spans that move with the clock are taken to fit."""
    low, high = date.min, date.max
    day = timedelta(days=1)
    for condition, holds in lines:
        if not holds or condition.op not in ("before", "after", "on"):
            continue
        given = date.fromisoformat(condition.value)
        if condition.op in ("after", "on") and given < date.max:
            low = max(low, given + day if condition.op == "after" else given)
        if condition.op in ("before", "on") and given > date.min:
            high = min(high, given - day if condition.op == "before" else given)
    return low <= high


_JUDGES: dict[str, Callable[[Sequence[Line], Any], bool]] = {
    "number": _numbers,
    "choice": _words(str),
    "reference": _words(str),
    "text": _words(fold),
    "boolean": _flags,
    "list": _lists,
    "date": _dates,
}
