"""A version's questions as a web page shows them, and what a web page posts as answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from forms_app.conditions import condition_data, condition_words
from forms_app.questions import Problem, wording

NUMBER = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,10})?")
PREFIX = "q-"
INPUTS = {"integer": "number", "number": "number", "text": "text", "long_text": "long", "date": "date"}


@dataclass(frozen=True, slots=True)
class Option:
    """One radio button or checkbox."""

    id: str
    value: str
    label: str
    checked: bool


@dataclass(slots=True)
class Field:
    """One question on the page. `input`: number, text, long, date, radio, scale, checkboxes or display.

    `only_if` says for whom the question is; `condition` is the same for a script (conditions.py). The browser may then
    not insist on an answer: the server knows whether it is needed.
    """

    name: str
    input: str
    label: str
    help: str = ""
    required: bool = False
    value: str = ""
    error: str = ""
    options: list[Option] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    only_if: str = ""
    condition: str = ""
    low_text: str = ""
    high_text: str = ""

    @property
    def target(self) -> str:
        """Return the id of the element that gets the focus."""
        return self.options[0].id if self.options else self.name

    @property
    def described_by(self) -> str:
        """Return the ids of the texts that belong to the input."""
        parts = [(self.only_if, "only-if"), (self.help, "help"), (self.error, "error")]
        return " ".join(f"{self.name}-{part}" for text, part in parts if text)


def build_fields(
    questions: Iterable[Mapping[str, Any]],
    languages: Sequence[str],
    values: Mapping[str, Sequence[str]],
    problems: Iterable[Problem] = (),
) -> list[Field]:
    """Build the page's fields; `values` holds what the inputs show, as text, by question id."""
    errors: dict[str, str] = {}
    for problem in problems:
        errors.setdefault(problem.path.removeprefix("/answers/"), problem.message)
    questions, fields = list(questions), []
    for one in questions:
        made = _field(one, languages, list(values.get(one["id"], ())), errors.get(one["id"], ""))
        made.only_if, made.condition = condition_words(one, questions, languages), condition_data(one)
        fields.append(made)
    return fields


def _field(question: Mapping[str, Any], languages: Sequence[str], values: list[str], error: str) -> Field:
    kind, name = question["type"], PREFIX + question["id"]
    made = Field(
        name=name,
        input=INPUTS.get(kind, "display" if kind == "display" else "radio"),
        label=wording(question["text"], languages),
        help=wording(question.get("help"), languages),
        required=bool(question.get("required")),
        value=values[0] if values else "",
        error=error,
    )
    if kind == "boolean":
        made.options = options(name, [("yes", _("Yes")), ("no", _("No"))], values)
    elif kind == "scale":
        made.input = "scale"
        steps = range(question.get("min", 0), question.get("max", 10) + 1)
        made.options = options(name, [(str(step), str(step)) for step in steps], values)
        made.low_text = wording(question.get("min_text"), languages)
        made.high_text = wording(question.get("max_text"), languages)
    elif kind in ("choice", "multiple_choice"):
        made.input = "radio" if kind == "choice" else "checkboxes"
        offered = [(one["value"], wording(one["text"], languages)) for one in question["choices"]]
        made.options = options(name, offered, values)
    elif kind == "date":
        made.attributes = {key: question[key] for key in ("min", "max") if key in question}
    elif kind in ("text", "long_text"):
        made.attributes = {"maxlength": question.get("max_length")}
    elif kind in ("integer", "number"):
        made.attributes = {"inputmode": "numeric" if kind == "integer" else "decimal"}
    return made


def options(name: str, offered: Iterable[tuple[str, str]], values: Sequence[str]) -> list[Option]:
    return [
        Option(name if position == 0 else f"{name}-{position}", value, label, value in values)
        for position, (value, label) in enumerate(offered)
    ]


def shown_values(questions: Iterable[Mapping[str, Any]], answers: Mapping[str, Any]) -> dict[str, list[str]]:
    """Give stored answers as the inputs show them."""
    shown: dict[str, list[str]] = {}
    for question in questions:
        value = answers.get(question["id"])
        if isinstance(value, bool):
            shown[question["id"]] = ["yes" if value else "no"]
        elif isinstance(value, list):
            shown[question["id"]] = value
        elif value is not None:
            shown[question["id"]] = [str(value)]
    return shown


def posted_values(questions: Iterable[Mapping[str, Any]], data: QueryDict) -> dict[str, list[str]]:
    """Give what was posted, as text, by question id."""
    return {one["id"]: data.getlist(PREFIX + one["id"]) for one in questions if one["type"] != "display"}


def typed_answers(questions: Iterable[Mapping[str, Any]], posted: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Turn posted texts into typed answers; what cannot be turned stays text, for the validator to refuse."""
    answers: dict[str, Any] = {}
    for question in questions:
        values = [value for value in posted.get(question["id"], ()) if value.strip()]
        if not values:
            continue
        answers[question["id"]] = _typed(question["type"], values)
    return answers


def _typed(kind: str, values: list[str]) -> Any:
    text = values[0]
    if kind == "multiple_choice":
        return values
    if kind == "boolean":
        return {"yes": True, "no": False}.get(text, text)
    if kind in ("integer", "scale", "number") and NUMBER.fullmatch(text.strip()):
        number = text.strip().replace(",", ".")
        return float(number) if "." in number else int(number)
    return text
