"""The nouns of declarations: facts with their types, parameters, subjects, anchors, kinds of rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

MEMBER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,49}", re.ASCII)
"""The name of a fact within a family."""
Choices = tuple[tuple[str, str], ...]


class FactType(StrEnum):
    """Name the type of a fact; it decides the operators and the input of the value. any: each operator decides."""

    number = "number"
    text = "text"
    choice = "choice"
    reference = "reference"
    boolean = "boolean"
    date = "date"
    list = "list"
    any = "any"


class LateChoices:
    """Choices that are known only once everything is declared; they are read anew each time."""

    def __init__(self, read: Callable[[], Iterable[Any]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(as_choices(self._read()))


def as_choices(choices: Iterable[Any]) -> Choices | LateChoices:
    """Bring choices to (value, label) pairs; a plain string is its own label."""
    if isinstance(choices, LateChoices):
        return choices
    return tuple((one, one) if isinstance(one, str) else (str(one[0]), one[1]) for one in choices)


@dataclass(frozen=True, slots=True)
class Param:
    """One setting of a trigger, fact or action.

    `type` is one of engine.params.PARAM_TYPES. `many` makes it a list of that type. `reference` names the kind of
    thing a reference points to; one with `choices` may also be one of those words (a role, say) instead of a slug.
    `fact` (trigger params only) is the fact that must equal the configured value; for a boolean, true asks the fact
    to be true.
    """

    name: str
    type: str
    label: Any
    required: bool = False
    default: Any = None
    choices: Any = ()
    reference: str | None = None
    many: bool = False
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    fact: str | None = None
    help: Any = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", as_choices(self.choices))


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of thing that events are about: "appointment", "form", "patient"."""

    kind: str
    label: Any
    model: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """A moment of the subject that a step's time may hang on; `field` is the attribute that holds it.

    `begins`: the subject (a visit) begins then, so that a message about it is of no use afterwards. `lead`: the fact
    that tells the hours from the event to it.
    """

    key: str
    label: Any
    subject: str
    field: str
    begins: bool = False
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A kind of row that a rule may name by slug; `active` is the filter of rows that may be chosen."""

    kind: str
    label: Any
    model: str
    active: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blank:
    """Variables that a parameter's text says in vain. `source`: the name of the text that it names; "": its own."""

    param: str
    variables: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """Declare something a condition can ask about.

    `subject` is the kind whose triggers offer it ("patient": every trigger); `triggers` narrows it to those keys.
    `choices` or `reference` bound the values of choice, reference and list facts. `sources` are the models whose
    change can change it. `expression(ctx, **params)` reads it in SQL; `value(view)` reads it from the changed row.
    `folded` is the expression of the stored folded text. `yearly`: a date that comes round every year. `family`: its
    key ends in ".*", any name may stand there (`member_of` in such a one), and `value` gives all by name. `change`:
    the event carries the old value too, under values.old_key(key). `history`: the rows that it reads keep their dates,
    so that asked later, with the clock at the event, it tells what held then. `said` puts the value into a sentence
    about the patient: "%(who)s is %(value)s".
    """

    key: str
    label: Any
    type: FactType
    doc: Any
    example: Mapping[str, Any]
    subject: str = "patient"
    triggers: tuple[str, ...] | None = None
    params: tuple[Param, ...] = ()
    reference: str | None = None
    choices: Any = ()
    sensitive: bool = False
    sources: tuple[str, ...] = ()
    time_dependent: bool = False
    expression: Callable[..., Any] | None = None
    value: Callable[[Any], Any] | None = None
    folded: Any = None
    change: bool = False
    history: bool = False
    said: Any = ""
    yearly: bool = False
    family: bool = False
    member_of: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", FactType(self.type))
        object.__setattr__(self, "choices", as_choices(self.choices))


class Facts(dict[str, Fact]):
    """Facts by key; asked for "event.pain" by name, it gives the member of the family "event.*".

    Those of one trigger know it, and what facts there are for others.
    """

    trigger = ""
    everywhere: Mapping[str, Fact] = MappingProxyType({})

    def __missing__(self, key: str) -> Fact:
        prefix, dot, name = key.partition(".") if isinstance(key, str) else ("", "", "")
        family = super().get(f"{prefix}.*") if dot and MEMBER.fullmatch(name) else None
        if family is None or family.value is None:
            raise KeyError(key)
        read = family.value
        return replace(
            family, key=key, label=name, family=False, member_of=family.key, value=lambda view: read(view).get(name)
        )

    def get(self, key: str, default: Any = None) -> Any:
        """Return the fact, a member of a family included, or the default."""
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None
