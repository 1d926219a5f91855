"""The form builder as its page shows it: every input with its name, its value and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from forms_app.questions import ANSWERED, CONDITIONS, EXTRA, TYPES, Problem
from staff.form_builder import Draft, Texts, Wording, condition_op

TYPE_WORDS: dict[str, Any] = {
    "boolean": gettext_lazy("Yes or no"),
    "integer": gettext_lazy("Whole number"),
    "number": gettext_lazy("Number"),
    "scale": gettext_lazy("Scale"),
    "text": gettext_lazy("Short text"),
    "long_text": gettext_lazy("Long text"),
    "date": gettext_lazy("Date"),
    "choice": gettext_lazy("One of several"),
    "multiple_choice": gettext_lazy("Any of several"),
    "display": gettext_lazy("Text without a question"),
}
OP_WORDS: dict[str, Any] = {
    "is": gettext_lazy("is"),
    "is_any_of": gettext_lazy("is one of"),
    "eq": gettext_lazy("is"),
    "gte": gettext_lazy("is at least"),
    "lte": gettext_lazy("is at most"),
    ANSWERED: gettext_lazy("is there, whatever it is"),
}
BOUND_WORDS: dict[str, Any] = {
    "min": gettext_lazy("Smallest"),
    "max": gettext_lazy("Greatest"),
    "max_length": gettext_lazy("At most so many characters"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """One input."""

    name: str
    label: str
    value: str
    error: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a select, or one box to tick."""

    value: str
    label: str
    chosen: bool


@dataclass(slots=True)
class Card:
    """One question."""

    position: int
    draft: Draft
    types: list[Option]
    texts: list[Box]
    helps: list[Box]
    bounds: list[Box]
    ends: list[Box]
    choices: list[list[Box]]
    identifier: Box
    sources: list[Option] = field(default_factory=list)
    ops: list[Option] = field(default_factory=list)
    values: list[Option] = field(default_factory=list)
    value: str = ""
    value_kind: str = ""
    errors: list[str] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Return its number as people count."""
        return self.position + 1

    @property
    def name(self) -> str:
        """Return what the names of its inputs begin with."""
        return f"q{self.position}"

    @property
    def is_asked(self) -> bool:
        """Tell whether it takes an answer."""
        return self.draft.type != "display"


class Shown:
    """The whole page: title and text by language, the cards, and what is wrong elsewhere."""

    def __init__(self, wording: Wording, problems: Iterable[Problem] = ()) -> None:
        self.wording = wording
        self._left: dict[str, str] = {}
        for problem in problems:
            self._left.setdefault(problem.path, problem.message)
        self.has_errors = bool(self._left)
        self.languages = [(code, language_name(code)) for code in wording.languages]
        self.titles = self._boxes("title", _("Title"), wording.title, "/title", "/translations/{}/title")
        self.texts = self._boxes("text", _("Text above the questions"), wording.text, "/text", "/translations/{}/text")
        self.cards = [self._card(position) for position in range(len(wording.questions))]
        self.types = [Option(kind, str(TYPE_WORDS[kind]), kind == "boolean") for kind in TYPES]
        self.errors = list(self._left.values())

    def _boxes(self, name: str, label: str, texts: Texts, path: str, other: str = "") -> list[Box]:
        found = []
        for position, language in enumerate(self.wording.languages):
            error = self._left.pop((other or path + "/{}").format(language), "")
            if position == 0:
                error = self._left.pop(path, "") or error
            spoken = f"{label} ({language_name(language)})" if len(self.wording.languages) > 1 else label
            found.append(Box(f"{name}-{language}", spoken, texts.get(language, ""), error, language))
        return found

    def _card(self, position: int) -> Card:
        one, name, path = self.wording.questions[position], f"q{position}", f"/questions/{position}"
        extra = EXTRA[one.type]
        label = _("Text") if one.type == "display" else _("Question")
        ends = {"min_text": _("Words at the smallest"), "max_text": _("Words at the greatest")}
        card = Card(
            position,
            one,
            types=[Option(kind, str(TYPE_WORDS[kind]), kind == one.type) for kind in TYPES],
            texts=self._boxes(f"{name}-text", label, one.words.get("text", {}), f"{path}/text"),
            helps=self._boxes(f"{name}-help", _("Help below it"), one.words.get("help", {}), f"{path}/help"),
            bounds=[
                Box(
                    f"{name}-{key}", str(BOUND_WORDS[key]), one.bounds.get(key, ""),
                    self._left.pop(f"{path}/{key}", ""),
                )
                for key in BOUND_WORDS if key in extra
            ],
            ends=[
                box
                for key, words in ends.items() if key in extra
                for box in self._boxes(f"{name}-{key}", words, one.words.get(key, {}), f"{path}/{key}")
            ],
            choices=[self._choice(one, name, path, number) for number in range(len(one.choices))],
            identifier=Box(f"{name}-id", _("Name for rules"), one.id, self._left.pop(f"{path}/id", "")),
        )  # fmt: skip
        self._follow(card)
        mine = [key for key in self._left if key == path or key.startswith(f"{path}/")]
        card.errors = [self._left.pop(key) for key in mine]
        return card

    def _choice(self, one: Draft, name: str, path: str, number: int) -> list[Box]:
        choice, where = one.choices[number], f"{path}/choices/{number}"
        label = _("Choice %(number)d") % {"number": number + 1}
        boxes = self._boxes(f"{name}-c{number}-text", label, choice.text, f"{where}/text")
        value = Box(f"{name}-c{number}-value", _("Name for rules"), choice.value, self._left.pop(f"{where}/value", ""))
        return [*boxes, value]

    def _follow(self, card: Card) -> None:
        """Offer the earlier questions to follow, and ways to ask for the answer of the chosen one."""
        one, earlier = card.draft, self.wording.earlier(card.position)
        card.sources = [Option(each.id, _said(each, self.wording.languages), each.id == one.when) for each in earlier]
        source = next((each for each in earlier if each.id == one.when), None)
        if source is None:
            return
        op = condition_op(one, source)
        card.ops = [Option(key, str(OP_WORDS[key]), key == op) for key in CONDITIONS[source.type]]
        if op == ANSWERED:
            return
        card.value = one.when_values[0] if one.when_values else ""
        if source.type == "boolean":
            card.value_kind = "select"
            card.values = [Option("yes", _("Yes"), card.value != "no"), Option("no", _("No"), card.value == "no")]
        elif source.choices:
            card.value_kind = "boxes"
            card.values = [
                Option(each.value, _any(each.text, self.wording.languages) or each.value, each.value in one.when_values)
                for each in source.choices if each.value
            ]  # fmt: skip
        else:
            card.value_kind = "number"


def _any(texts: Texts, languages: Sequence[str]) -> str:
    return next((texts[one] for one in languages if texts.get(one)), "")


def _said(one: Draft, languages: Sequence[str]) -> str:
    words = _any(one.words.get("text", {}), languages) or one.id
    return words if len(words) < 80 else words[:79] + "…"


def language_name(code: str) -> str:
    """Return a language in its own words, its code if we do not know it."""
    try:
        return str(get_language_info(code)["name_local"])
    except KeyError:
        return code
