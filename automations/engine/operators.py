"""One function an operator. Each gets a usable value (never None) and answers true or false.

What is usable depends on the fact's type; a missing value and one of another type are unknown, and so is every
comparison with
them. Only `is_empty` and `is_not_empty` always know: unknown, "" and [] are empty. A list that is None is unknown,
not empty of
members: has_none_of of it is unknown. Texts compare folded (see text.fold); choices, references and list members
exactly.

Of a fact of type any, operator and value decide the type; a value of another type is unknown:

| operators | type |
|---|---|
| eq, ne, lt, lte, gt, gte, between | number |
| is_any_of, is_none_of | choice: codes, exactly, so that one is the other's negation |
| is | boolean with true or false, else text |
| is_not, contains, starts_with | text |
| before, after, on, in_last, in_next, more_than_ago | date |
| has_any_of, has_all_of, has_none_of | list |
| is_empty, is_not_empty | any: null, "", [] and {} are empty |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from .bounds import date_bounds
from .text import fold
from .usable import USABLE
from .values import Condition, old_key


@dataclass(frozen=True, slots=True)
class At:
    """The moment of the event, and the clinic's zone."""

    now: datetime
    zone: ZoneInfo


Test = Callable[[Any, Any, At], bool]


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator for one fact type.

    `takes`: number, pair, text, texts, members, flag, text_or_flag (of type any only), day, span or nothing.
    """

    key: str
    type: str
    takes: str
    test: Test
    change: bool = False


OPERATORS: dict[tuple[str, str], Operator] = {}
ALL_TYPES = ("number", "text", "choice", "reference", "boolean", "date", "list")


def operator(key: str, *types: str, takes: str) -> Callable[[Test], Test]:
    """Register a function as an operator of these fact types."""

    def add(test: Test) -> Test:
        for kind in types:
            OPERATORS[kind, key] = Operator(key, kind, takes, test)
        return test

    return add


def operators_for(kind: str, change: bool = False) -> dict[str, Operator]:
    """List the operators of a fact type in the order in which people see them; those of any say what each decides."""
    if kind == "any":
        return dict(OF_ANY)
    return {key: op for (of, key), op in OPERATORS.items() if of == kind and (change or not op.change)}


@operator("eq", "number", takes="number")
def eq(actual: Any, value: Any, at: At) -> bool:
    return bool(actual == value)


@operator("ne", "number", takes="number")
def ne(actual: Any, value: Any, at: At) -> bool:
    return bool(actual != value)


@operator("lt", "number", takes="number")
def lt(actual: Any, value: Any, at: At) -> bool:
    return bool(actual < value)


@operator("lte", "number", takes="number")
def lte(actual: Any, value: Any, at: At) -> bool:
    return bool(actual <= value)


@operator("gt", "number", takes="number")
def gt(actual: Any, value: Any, at: At) -> bool:
    return bool(actual > value)


@operator("gte", "number", takes="number")
def gte(actual: Any, value: Any, at: At) -> bool:
    return bool(actual >= value)


@operator("between", "number", takes="pair")
def between(actual: Any, value: Any, at: At) -> bool:
    return bool(value[0] <= actual <= value[1])


@operator("is", "text", takes="text")
def text_is(actual: Any, value: Any, at: At) -> bool:
    return bool(actual == fold(value))


@operator("is_not", "text", takes="text")
def text_is_not(actual: Any, value: Any, at: At) -> bool:
    return bool(actual != fold(value))


@operator("contains", "text", takes="text")
def contains(actual: Any, value: Any, at: At) -> bool:
    return fold(value) in actual


@operator("starts_with", "text", takes="text")
def starts_with(actual: Any, value: Any, at: At) -> bool:
    return bool(actual.startswith(fold(value)))


@operator("is_any_of", "text", takes="texts")
def text_is_any_of(actual: Any, value: Any, at: At) -> bool:
    return any(actual == fold(one) for one in value)


@operator("is_any_of", "choice", "reference", takes="members")
def is_any_of(actual: Any, value: Any, at: At) -> bool:
    return actual in value


@operator("is_none_of", "choice", "reference", takes="members")
def is_none_of(actual: Any, value: Any, at: At) -> bool:
    return actual not in value


@operator("is", "boolean", takes="flag")
def boolean_is(actual: Any, value: Any, at: At) -> bool:
    return actual is value


@operator("before", "date", takes="day")
def before(actual: Any, value: Any, at: At) -> bool:
    return date_bounds("before", value, at.now, at.zone).contains(actual)


@operator("after", "date", takes="day")
def after(actual: Any, value: Any, at: At) -> bool:
    return date_bounds("after", value, at.now, at.zone).contains(actual)


@operator("on", "date", takes="day")
def on(actual: Any, value: Any, at: At) -> bool:
    return date_bounds("on", value, at.now, at.zone).contains(actual)


@operator("in_last", "date", takes="span")
def in_last(actual: Any, value: Any, at: At) -> bool:
    return date_bounds("in_last", value, at.now, at.zone).contains(actual)


@operator("in_next", "date", takes="span")
def in_next(actual: Any, value: Any, at: At) -> bool:
    return date_bounds("in_next", value, at.now, at.zone).contains(actual)


@operator("more_than_ago", "date", takes="span")
def more_than_ago(actual: Any, value: Any, at: At) -> bool:
    return date_bounds("more_than_ago", value, at.now, at.zone).contains(actual)


@operator("has_any_of", "list", takes="members")
def has_any_of(actual: Any, value: Any, at: At) -> bool:
    return not actual.isdisjoint(value)


@operator("has_all_of", "list", takes="members")
def has_all_of(actual: Any, value: Any, at: At) -> bool:
    return bool(actual.issuperset(value))


@operator("has_none_of", "list", takes="members")
def has_none_of(actual: Any, value: Any, at: At) -> bool:
    return bool(actual.isdisjoint(value))


@operator("is_empty", *ALL_TYPES, "any", takes="nothing")
def is_empty(actual: Any, value: Any, at: At) -> bool:
    return actual is None or actual == "" or actual == frozenset()


@operator("is_not_empty", *ALL_TYPES, "any", takes="nothing")
def is_not_empty(actual: Any, value: Any, at: At) -> bool:
    return not is_empty(actual, value, at)


ALWAYS_KNOW = ("is_empty", "is_not_empty")

# How "the old value was V" and "the new value is V" compare, and the operand they take.
SAME: dict[str, tuple[str, Test]] = {
    "number": ("number", eq),
    "text": ("text", text_is),
    "choice": ("members", is_any_of),
    "reference": ("members", is_any_of),
    "boolean": ("flag", boolean_is),
    "date": ("day", on),
}
for _type in ALL_TYPES:
    OPERATORS[_type, "changed"] = Operator("changed", _type, "nothing", ne, change=True)
for _type, (_takes, _test) in SAME.items():
    OPERATORS[_type, "changed_from"] = Operator("changed_from", _type, _takes, _test, change=True)
    OPERATORS[_type, "changed_to"] = Operator("changed_to", _type, _takes, _test, change=True)

# The operators of a fact of type any, each with the type that it decides. It has none for changes.
OF_ANY: dict[str, Operator] = {}
for _type in ("number", "choice", "text", "date", "list"):
    for _key, _op in operators_for(_type).items():
        if _key not in ALWAYS_KNOW:
            OF_ANY.setdefault(_key, _op)
OF_ANY["is"] = replace(OF_ANY["is"], takes="text_or_flag")
OF_ANY.update({_key: OPERATORS["any", _key] for _key in ALWAYS_KNOW})


def asked_type(kind: str, op: str) -> str:
    """Tell which type an operator of a fact type asks for: that of any decides it ("is": text)."""
    return OF_ANY[op].type if kind == "any" and op in OF_ANY else kind


def decided(op: Operator, value: Any) -> Operator:
    """Give the operator of a concrete type, where only the value tells which it is."""
    if op.takes == "text_or_flag":
        return OPERATORS["boolean" if isinstance(value, bool) else "text", op.key]
    return op


def apply(condition: Condition, facts: Mapping[str, Any], at: At) -> tuple[Any, bool | None]:
    """Ask one condition: the value it saw, and true, false or None (unknown).

    A change operator saw {"from": old, "to": new}. Raises KeyError for an operator that the type does not have.
    """
    op = OPERATORS[condition.type, condition.op]
    raw = facts.get(condition.key)
    usable = USABLE[condition.type]
    if op.change:
        before_key = old_key(condition.key)
        actual = {"from": facts.get(before_key), "to": raw}
        return actual, _change(op, condition, actual, before_key in facts, at) if condition.key in facts else None
    actual = usable(raw)
    if actual is None and op.key not in ALWAYS_KNOW:
        return raw, None
    return raw, op.test(actual, condition.value, at)


def _change(op: Operator, condition: Condition, seen: Mapping[str, Any], known: bool, at: At) -> bool | None:
    """Ask a change: unknown when the event does not carry the old value; from and to also need the value to
    differ."""
    if not known:
        return None
    usable = USABLE[condition.type]
    old, new = usable(seen["from"]), usable(seen["to"])
    if old == new or op.key == "changed":
        return bool(old != new)
    side = old if op.key == "changed_from" else new
    return None if side is None else op.test(side, condition.value, at)
