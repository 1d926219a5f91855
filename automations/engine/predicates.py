"""Ask many conditions about one fact at once.

A table holds, for every value that its conditions can tell apart, which of them are then true and which false, as
bits of two
ints. So fifty thresholds on one number cost a bisection. The tables are filled by asking the operators themselves,
once, when
the index is built; for a value that no entry fits (another type), the operators are asked at the time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from .operators import ALWAYS_KNOW, OPERATORS, At, apply
from .text import fold
from .usable import USABLE
from .values import Condition

Bits = tuple[int, int]
Ask = Callable[[Mapping[str, Any], At], bool | None]

# The table operators look at the value alone, so any moment serves to fill the tables.
ANY_TIME = At(datetime(2000, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))
TABLE_OPERATORS = {
    "number": {"eq", "ne", "lt", "lte", "gt", "gte", "between", "is_empty", "is_not_empty"},
    "text": {"is", "is_not", "is_any_of", "is_empty", "is_not_empty"},
    "choice": {"is_any_of", "is_none_of", "is_empty", "is_not_empty"},
    "reference": {"is_any_of", "is_none_of", "is_empty", "is_not_empty"},
    "boolean": {"is", "is_empty", "is_not_empty"},
    "list": {"has_any_of", "has_none_of", "is_empty", "is_not_empty"},
}
UNHEARD = "\x00"  # no rule can name it: NUL is refused
CHUNK = 64


@dataclass(frozen=True, slots=True)
class Predicate:
    """Something to ask of an event; `condition` is there unless it comes from a trigger's config."""

    key: str
    ask: Ask
    condition: Condition | None = None

    @property
    def in_table(self) -> bool:
        """Tell whether a table can answer it."""
        one = self.condition
        return one is not None and one.op in TABLE_OPERATORS.get(one.type, ())


def of_condition(condition: Condition) -> Predicate:
    """Make the predicate of a condition: operators.apply, with what never changes looked up once."""
    op = OPERATORS.get((condition.type, condition.op))
    if op is None or op.change or op.key in ALWAYS_KNOW:
        return Predicate(condition.key, lambda facts, at: apply(condition, facts, at)[1], condition)
    usable, test, key, value = USABLE[condition.type], op.test, condition.key, condition.value

    def ask(facts: Mapping[str, Any], at: At) -> bool | None:
        actual = usable(facts.get(key))
        return None if actual is None else test(actual, value, at)

    return Predicate(condition.key, ask, condition)


def bits_for(predicates: Sequence[Predicate], value: Any) -> Bits:
    """Ask each predicate of one table about a value: bits of those that are true, and of those that are false."""
    true = false = 0
    for position, predicate in enumerate(predicates):
        result = predicate.ask({predicate.key: value}, ANY_TIME)
        if result is True:
            true |= 1 << position
        elif result is False:
            false |= 1 << position
    return true, false


class Table:
    """Answer the predicates of one fact; the kind of fact decides how a value is looked up."""

    def __init__(self, predicates: Sequence[Predicate]) -> None:
        self.key = predicates[0].key
        self._predicates = tuple(predicates)
        self._unknown = bits_for(predicates, None)

    def look_up(self, value: Any) -> Bits:
        """Give the bits of the predicates that are true, and of those that are false."""
        return self._unknown if value is None else bits_for(self._predicates, value)


class NumberTable(Table):
    """Answer by the place of a number among all the numbers that conditions name."""

    def __init__(self, predicates: Sequence[Predicate]) -> None:
        super().__init__(predicates)
        named = {number for one in predicates for number in _numbers(one)}
        self._points = sorted(named)
        samples = _between_and_on(self._points)
        self._entries = [bits_for(predicates, sample) for sample in samples]

    def look_up(self, value: Any) -> Bits:
        """Find the point that the number is, or the gap that it lies in."""
        if USABLE["number"](value) is None:
            return super().look_up(value)
        place = bisect_left(self._points, value)
        on_point = place < len(self._points) and self._points[place] == value
        return self._entries[2 * place + on_point]


def _numbers(predicate: Predicate) -> list[float]:
    value = predicate.condition.value if predicate.condition else None
    return [one for one in (value if isinstance(value, list) else [value]) if one is not None]


def _between_and_on(points: list[float]) -> list[float]:
    """Give a number below all points, each point with one from the gap after it, in order."""
    if not points:
        return [0]
    samples: list[float] = [points[0] - 1]
    for point, following in zip(points, [*points[1:], points[-1] + 2], strict=True):
        samples += [point, (point + following) / 2]
    return samples


class WordTable(Table):
    """Answer by looking a word up; all words that no condition names answer alike. Texts are folded first."""

    def __init__(self, predicates: Sequence[Predicate], folded: bool) -> None:
        super().__init__(predicates)
        self._fold = folded
        self._unheard = bits_for(predicates, UNHEARD)
        self._entries = {"": bits_for(predicates, "")}
        naming: dict[str, list[int]] = {}
        for position, predicate in enumerate(predicates):
            for word in _words(predicate):
                naming.setdefault(fold(word) if folded else word, []).append(position)
        for word, positions in naming.items():
            self._entries[word] = self._entry(word, positions)

    def _entry(self, word: str, positions: list[int]) -> Bits:
        """Start from what an unheard word answers, and ask again only the predicates that name this one."""
        true, false = self._unheard
        for position in positions:
            bit = 1 << position
            true, false = true & ~bit, false & ~bit
            now = bits_for(self._predicates[position : position + 1], word)
            true, false = true | now[0] << position, false | now[1] << position
        return true, false

    def look_up(self, value: Any) -> Bits:
        """Find the word, or answer for one that no condition names."""
        if not isinstance(value, str):
            return super().look_up(value)
        return self._entries.get(fold(value) if self._fold else value, self._unheard)


def _words(predicate: Predicate) -> list[str]:
    value = predicate.condition.value if predicate.condition else None
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


class FlagTable(Table):
    """Answer for true and for false."""

    def __init__(self, predicates: Sequence[Predicate]) -> None:
        super().__init__(predicates)
        self._entries = {flag: bits_for(predicates, flag) for flag in (True, False)}

    def look_up(self, value: Any) -> Bits:
        """Look the flag up."""
        return self._entries[value] if isinstance(value, bool) else super().look_up(value)


class ListTable(Table):
    """Answer by the members: a named one turns around what a list with none of them answers."""

    def __init__(self, predicates: Sequence[Predicate]) -> None:
        super().__init__(predicates)
        self._empty, self._unheard = bits_for(predicates, []), bits_for(predicates, [UNHEARD])
        self._naming: dict[str, int] = {}
        for position, predicate in enumerate(predicates):
            for word in _words(predicate):
                self._naming[word] = self._naming.get(word, 0) | 1 << position

    def look_up(self, value: Any) -> Bits:
        """Find the predicates that name a member."""
        members = USABLE["list"](value)
        if not members:
            return super().look_up(value) if members is None else self._empty
        named = 0
        for member in members:
            named |= self._naming.get(member, 0)
        return self._unheard[0] ^ named, self._unheard[1] ^ named


def make_table(kind: str, predicates: Sequence[Predicate]) -> Table:
    """Make the table for predicates of one fact. Raises what a malformed condition raises."""
    if kind == "number":
        return NumberTable(predicates)
    if kind == "boolean":
        return FlagTable(predicates)
    if kind == "list":
        return ListTable(predicates)
    return WordTable(predicates, folded=kind == "text")
