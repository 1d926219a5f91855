"""How one value of a rule is typed: the inputs it needs in the editor, and the way there and back.

The editor cannot change an input's type while somebody types (django-jsonform ignores if/then/else), so a value of
another shape gets inputs of its own: a span is two of them, a pair too. Every input is always in the data; the page
hides those that the chosen operator or timing does not use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.admin.choices import Choices, Option
from automations.engine.declare import Fact, Param
from automations.engine.moments import CALENDAR_UNITS, UNITS

MISSING: Any = object()
MOST = 2**53
"""Whole numbers beyond this do not survive a browser."""
UNIT_LABELS = {
    "minutes": _("minutes"),
    "hours": _("hours"),
    "days": _("days"),
    "weeks": _("weeks"),
    "months": _("months"),
}


@dataclass(frozen=True, slots=True)
class Input:
    """One value's inputs: jsonform schema by key, blank values, and both ways. `write` gives None if it cannot fit."""

    schemas: Mapping[str, dict[str, Any]]
    blank: Mapping[str, Any]
    write: Callable[[Any], dict[str, Any] | None]
    read: Callable[[Mapping[str, Any]], Any]
    parts: Mapping[str, str] = field(default_factory=dict)

    def key(self, below: Iterable[str] = ()) -> str:
        """Return the input that a problem at this place below the value belongs to."""
        first = next(iter(below), "")
        return self.parts.get(first) or next(iter(self.schemas))


def units(only: Iterable[str] = UNITS) -> list[Option]:
    """Return the units of time as options."""
    return [{"title": str(UNIT_LABELS[unit]), "value": unit} for unit in only]


def _single(key: str, schema: dict[str, Any], fits: Callable[[Any], bool], blank: Any = "") -> Input:
    return Input(
        {key: schema},
        {key: blank},
        lambda value: {key: value} if fits(value) else None,
        lambda data: MISSING if data.get(key) in (None, "") else data[key],
    )


def is_number(value: Any) -> bool:
    """Tell whether a browser keeps this number as it is."""
    return type(value) in (int, float) and abs(value) <= MOST


def number(key: str, title: Any, *, whole: bool = False, low: Any = None, high: Any = None, hint: Any = "") -> Input:
    """Type a number; empty is not given."""
    schema: dict[str, Any] = {"type": "integer" if whole else "number", "title": title}
    schema |= {} if low is None else {"minimum": low}
    schema |= {} if high is None else {"maximum": high}
    return _single(key, schema | _hint(hint), is_number, None)


def text(key: str, title: Any, *, long: bool = False, most: int | None = None, hint: Any = "") -> Input:
    """Type a text."""
    schema: dict[str, Any] = {"type": "string", "title": title} | _hint(hint)
    schema |= {"widget": "textarea"} if long else {}
    schema |= {"maxLength": most} if most else {}
    return _single(key, schema, lambda value: isinstance(value, str))


def _hint(hint: Any) -> dict[str, Any]:
    return {"helpText": hint} if hint else {}


def day(key: str, title: Any) -> Input:
    """Pick a date."""
    return _single(key, {"type": "string", "format": "date", "title": title}, lambda value: isinstance(value, str))


def clock_time(key: str, title: Any, *, hint: Any = "") -> Input:
    """Pick a time of day."""
    schema = {"type": "string", "format": "time", "title": title} | _hint(hint)
    return _single(key, schema, lambda value: isinstance(value, str))


def choice(key: str, title: Any, options: list[Option], *, blank: str = "", optional: bool = False) -> Input:
    """Choose one of a few; an optional one can be taken back."""
    nothing = [{"title": "—", "value": ""}] if optional else []
    schema = {"type": "string", "title": title, "choices": nothing + options} | ({"default": blank} if blank else {})
    return _single(key, schema, lambda value: isinstance(value, str), blank)


def flag(key: str, title: Any, *, optional: bool = True) -> Input:
    """Answer yes or no, as words: the editor takes an empty boolean for true."""
    options = [{"title": str(_("yes")), "value": "yes"}, {"title": str(_("no")), "value": "no"}]
    inner = choice(key, title, options, optional=optional)
    words = {True: "yes", False: "no"}

    def read(data: Mapping[str, Any]) -> Any:
        given = inner.read(data)
        return {"yes": True, "no": False}.get(given, given) if isinstance(given, str) else given

    return Input(
        inner.schemas, inner.blank, lambda value: {key: words[value]} if isinstance(value, bool) else None, read
    )


def text_or_flag(key: str, title: Any) -> Input:
    """Answer yes or no, or choose that it is a text, and type it."""
    typed, words = f"{key}__text", {True: "yes", False: "no"}
    options = [
        {"title": str(_("the text …")), "value": "text"},
        {"title": str(_("yes")), "value": "yes"},
        {"title": str(_("no")), "value": "no"},
    ]
    schemas = {
        key: {"type": "string", "title": title, "choices": options, "default": "text"},
        typed: {"type": "string", "title": _("text")},
    }

    def write(value: Any) -> dict[str, Any] | None:
        if isinstance(value, bool):
            return {key: words[value], typed: ""}
        return {key: "text", typed: value} if isinstance(value, str) else None

    def read(data: Mapping[str, Any]) -> Any:
        if data.get(key) in ("yes", "no"):
            return data[key] == "yes"
        return MISSING if data.get(typed) in (None, "") else data[typed]

    return Input(schemas, {key: "text", typed: ""}, write, read)


def members(key: str, title: Any, options: list[Option] | None) -> Input:
    """Choose several, or type several texts if nothing is there to choose from."""
    schema: dict[str, Any] = {"type": "array", "title": title, "items": {"type": "string"}}
    if options is not None:
        schema["items"] = {"type": "string", "choices": options, "widget": "multiselect"}
    return Input(
        {key: schema},
        {key: []},
        lambda value: {key: value} if isinstance(value, list) and all(isinstance(one, str) for one in value) else None,
        lambda data: data.get(key, MISSING),
    )


def numbers(key: str, title: Any) -> Input:
    """Type several numbers."""
    schema = {"type": "array", "title": title, "items": {"type": "number"}}
    return Input(
        {key: schema},
        {key: []},
        lambda value: {key: value} if isinstance(value, list) and all(map(is_number, value)) else None,
        lambda data: data.get(key, MISSING),
    )


def pair(key: str) -> Input:
    """Type a lowest and a highest number."""
    low, high = f"{key}__low", f"{key}__high"
    schemas = {low: {"type": "number", "title": _("from")}, high: {"type": "number", "title": _("to")}}

    def write(value: Any) -> dict[str, Any] | None:
        fits = isinstance(value, list) and len(value) == 2 and all(map(is_number, value))
        return {low: value[0], high: value[1]} if fits else None

    def read(data: Mapping[str, Any]) -> Any:
        both = [data.get(low), data.get(high)]
        return MISSING if both == [None, None] else both

    return Input(schemas, {low: None, high: None}, write, read, {"0": low, "1": high})


def span(key: str, title: Any, *, only: Iterable[str] = UNITS, hint: Any = "") -> Input:
    """Type an amount and a unit of time; without an amount it is not given."""
    amount, unit = f"{key}__amount", f"{key}__unit"
    schemas = {
        amount: {"type": "integer", "title": title} | _hint(hint),
        unit: {"type": "string", "title": _("unit"), "choices": units(only), "default": "days"},
    }

    def write(value: Any) -> dict[str, Any] | None:
        fits = isinstance(value, dict) and set(value) == {"amount", "unit"} and is_number(value["amount"])
        return {amount: value["amount"], unit: value["unit"]} if fits and value["unit"] in UNIT_LABELS else None

    def read(data: Mapping[str, Any]) -> Any:
        if data.get(amount) in (None, ""):
            return MISSING
        return {"amount": data[amount], "unit": data.get(unit)}

    return Input(schemas, {amount: None, unit: "days"}, write, read, {"amount": amount, "unit": unit})


def of_operand(takes: str, fact: Fact, choices: Choices) -> Input | None:
    """Return the input of the value that an operator takes; None if it takes none."""
    key, title = f"value_{takes}", _("value")
    if takes == "members":
        return members(key, title, member_options(fact, choices))
    makers: dict[str, Callable[[], Input]] = {
        "number": lambda: number(key, title),
        "pair": lambda: pair(key),
        "text": lambda: text(key, title),
        "texts": lambda: members(key, title, None),
        "flag": lambda: flag(key, title, optional=False),
        "text_or_flag": lambda: text_or_flag(key, title),
        "day": lambda: day(key, title),
        "span": lambda: span(key, title),
    }
    return makers[takes]() if takes in makers else None


def member_options(fact: Fact, choices: Choices) -> list[Option] | None:
    """Return what the members of a choice, reference or list fact can be; None if anything."""
    words = choices.words((fact.key,), fact.choices) if fact.choices else []
    if fact.reference is not None:
        return words + choices.rows(fact.reference)
    return words or None


def of_param(param: Param, owner: str, choices: Choices, title: Any = "") -> Input:
    """Return the input of a declared parameter."""
    title, key = title or param.label, param.name
    if param.type in ("choice", "reference"):
        options = choices.words((owner, key), param.choices)
        if param.type == "reference" and param.reference:
            options = options + choices.rows(param.reference)
        if param.many:
            return members(key, title, options)
        return choice(key, title, options, blank=param.default or "", optional=not param.required)
    if param.many or param.type == "text_list":
        return numbers(key, title) if param.type in ("integer", "number") else members(key, title, None)
    return _PLAIN[param.type](param, key, title)


_PLAIN: dict[str, Callable[[Param, str, Any], Input]] = {
    "text": lambda p, key, title: text(key, title, most=p.max_length, hint=p.help),
    "long_text": lambda p, key, title: text(key, title, long=True, most=p.max_length, hint=p.help),
    "integer": lambda p, key, title: number(key, title, whole=True, low=p.minimum, high=p.maximum, hint=p.help),
    "number": lambda p, key, title: number(key, title, low=p.minimum, high=p.maximum, hint=p.help),
    "boolean": lambda p, key, title: flag(key, title, optional=not p.required),
    "window": lambda p, key, title: span(key, title),
    "offset": lambda p, key, title: span(key, title, only=CALENDAR_UNITS, hint=p.help),
    "date": lambda p, key, title: day(key, title),
    "time": lambda p, key, title: clock_time(key, title, hint=p.help),
}
